"""A contest as one TOML file."""
