"""What the staff site looks like: templates, texts, static files and navigation.

A site names its areas: packages with `templates/` (in templates `<area>/<name>.html`) or `static/`
or both, and the catalogues that its templates read as `t.<domain>.<key>`. All sites share the area
`signed_in`, this package, and the catalogue `layout`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.shared.look import LOOK
from voting_service.sites.shared.static_files import StaticFile, static_files
from voting_service.sites.shared.templates import template_environment
from voting_service.staff.accounts.model import Role

SHARED = {"signed_in": __package__}
SHARED_TEXTS = ("layout",)


class NavItem(NamedTuple):
    """An item of the navigation: `text` is `<area>.<section>.<key>` of the texts. A path below
    `/contests/{slug}` or `/selections/{slug}` is shown on that subject's pages. Without `roles`
    everyone sees it."""

    path: str
    text: str
    roles: tuple[Role, ...] = ()


class Theme:
    """Templates, texts and static files of a site."""

    def __init__(
        self,
        areas: Mapping[str, str],
        catalogues: Sequence[str],
        navigation: Sequence[NavItem],
        paths: Collection[str],
    ) -> None:
        """Of the navigation only items that lead to one of `paths`, the routes, are kept."""
        self.navigation = tuple(item for item in navigation if item.path in paths)
        self.static: Mapping[str, StaticFile] = static_files(
            LOOK, *SHARED.values(), *areas.values()
        )
        self.environment: jinja2.Environment = template_environment(**SHARED, **areas)
        self._texts = {
            language: _texts(language, *SHARED_TEXTS, *catalogues) for language in LANGUAGES
        }

    def texts(self, language: Language) -> Mapping[str, Any]:
        """Return the texts of a language, by catalogue, section and name."""
        return self._texts[language]

    def static_url(self, name: str) -> str:
        """Return the address of a static file. Raises KeyError."""
        return self.static[name].url


def _texts(language: Language, *domains: str) -> dict[str, Any]:
    return {domain: load_catalogue(domain, language) for domain in domains}
