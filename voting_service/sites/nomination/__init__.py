"""The nomination site: pages of officers, reviewers and experts."""
