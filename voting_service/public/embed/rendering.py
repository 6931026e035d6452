"""The embed's own templates, in the look of the pages."""

from __future__ import annotations

from functools import cache

import jinja2

from voting_service.public.pages.rendering import LANGUAGES, static_url


@cache
def environment() -> jinja2.Environment:
    """Templates; everything is escaped, and an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static_url=static_url, languages=LANGUAGES)
    return made
