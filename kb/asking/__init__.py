"""Questions to a graph store, and those with a name."""
