"""What changes about a selection after it was set up, and lists that come from Excel."""
