"""Pages on which the joint office words the messages of a selection."""
