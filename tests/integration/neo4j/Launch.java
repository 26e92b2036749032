import java.nio.file.Path;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.io.ByteUnit;

/** A throw-away Neo4j server on the loopback: Launch DATA_DIR PORT AUTH [CONF]. Says READY when it answers; stops with SIGTERM. */
class Launch {
    public static void main(String[] args) throws Exception {
        var builder = new DatabaseManagementServiceBuilder(Path.of(args[0]));
        if (args.length > 3) {
            builder.loadPropertiesFromFile(Path.of(args[3]));
        }
        var service = builder
            .setConfig(BoltConnector.enabled, true)
            .setConfig(BoltConnector.listen_address, new SocketAddress("127.0.0.1", Integer.parseInt(args[1])))
            .setConfig(GraphDatabaseSettings.auth_enabled, Boolean.parseBoolean(args[2]))
            .setConfig(GraphDatabaseSettings.pagecache_memory, ByteUnit.mebiBytes(256))
            .build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        System.out.println("READY");
        Thread.currentThread().join();
    }
}
