"""Extraction of event mentions from new texts and pictures."""
