"""Export of a whole selection to an archive, and its restore."""
