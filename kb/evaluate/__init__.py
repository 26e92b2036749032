"""Measures of patterns on records that mining did not see."""
