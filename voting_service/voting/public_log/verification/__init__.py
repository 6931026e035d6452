"""Check a public log from its files alone, by the rules of docs/public-log-format.md."""
