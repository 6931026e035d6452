"""Staff accounts: sign-in, sessions, invitations, roles."""
