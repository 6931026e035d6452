"""The templates of the embeds, with the styles of the pages."""

from __future__ import annotations

from functools import cache

import jinja2

from voting_service.i18n.text import LANGUAGES
from voting_service.sites.public.rendering import static_url
from voting_service.sites.shared.templates import template_environment


@cache
def environment() -> jinja2.Environment:
    """Return the template environment of the embeds."""
    templates = template_environment(__package__)
    templates.globals.update(static_url=static_url, languages=LANGUAGES)
    return templates
