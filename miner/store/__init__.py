"""Immutable artefacts, keyed by content."""
