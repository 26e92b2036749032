"""Methods that patterns are compared with: one sees pictures alone, the other words alone."""
