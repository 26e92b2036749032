"""From a bundle into a graph store."""
