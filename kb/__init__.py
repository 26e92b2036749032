"""The event schema: ontology, graph schema, bundle and graph stores."""
