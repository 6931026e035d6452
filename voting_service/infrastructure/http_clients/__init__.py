"""Clients of external servers: bounded calls, cached documents, keys, tokens, OpenID Connect."""
