"""Rules merged into named, located patterns with evidence."""
