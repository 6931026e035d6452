"""What two people decide together: one proposes, another approves, and then it stands."""
