"""The recommendation form: its fields, their limits and their validation."""
