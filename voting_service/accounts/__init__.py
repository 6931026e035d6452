"""Staff: who they are, how they prove it, what their role lets them do."""
