"""The result of the selection, its publicity, certificates and printed documents."""
