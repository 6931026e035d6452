"""The public site: JSON API, pages, embeds, and caches of prepared responses."""
