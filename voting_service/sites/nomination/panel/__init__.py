"""Pages of the expert panel."""
