"""What analysts decide about patterns: an append-only log, its replay, and the schema that comes of it."""
