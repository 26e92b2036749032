"""From the tables of a run to the rows of a bundle."""
