"""Mining event-specific multimodal patterns: stages, configuration and command line."""
