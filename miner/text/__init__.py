"""Captions to text items: clusters of skip-gram word vectors."""
