"""The public log as another program sees it."""
