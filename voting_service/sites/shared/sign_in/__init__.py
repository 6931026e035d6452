"""Pages of the sign-in: password and code, OpenID Connect, invitations, the user's own account."""
