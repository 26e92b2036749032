"""The public Python interface of eventminer."""
