"""Pages of the result, its publicity and its documents."""
