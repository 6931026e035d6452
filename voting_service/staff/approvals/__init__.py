"""Four-eyes approvals: one person proposes, another approves or declines."""
