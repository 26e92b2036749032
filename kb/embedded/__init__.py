"""The inside of the embedded store: a graph in a file, kept by a process of its own."""
