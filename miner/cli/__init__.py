"""The `eventminer` command: thin wrappers over plain functions."""
