"""Executing the pipeline: stages, executors, progress."""
