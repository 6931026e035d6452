"""The embed's own templates, in the look of the pages."""

from __future__ import annotations

from functools import cache

import jinja2

from voting_service.public.pages.rendering import static_url
from voting_service.web.languages import LANGUAGES
from voting_service.web.templates import template_environment


@cache
def environment() -> jinja2.Environment:
    """The embed's templates."""
    made = template_environment(__package__)
    made.globals.update(static_url=static_url, languages=LANGUAGES)
    return made
