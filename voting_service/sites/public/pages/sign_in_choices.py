"""How a visitor who is not signed in gets to each platform: by its app, its website or our page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

from voting_service.contests.model import Logo, Platform
from voting_service.i18n.text import Language
from voting_service.sites.shared.qr_code import QrCode
from voting_service.voting.voters.service import KINDS_WITH_REDIRECT


class SignInChoice(NamedTuple):
    """One platform as `platforms.html` shows it; `app` is what its users know it by.

    `kind` names the text: `app` opens the entrance, `scan` is for WeChat, whose browser alone can
    sign in, `provider` signs in from here (in WeChat's browser, WeChat too), `website` leads to the
    first origin, and `name` is all there is. A code is for people who read on another screen than
    that of their telephone.
    """

    kind: Literal["app", "scan", "provider", "website", "name"]
    name: str
    app: str
    link: str = ""
    code: Markup | None = None
    logo: Logo | None = None


def sign_in_choices(
    platforms: Iterable[Platform],
    language: Language,
    public_url: str,
    next_page: str = "",
    *,
    in_wechat: bool = False,
) -> list[SignInChoice]:
    """Return the choices in the order of registration. After signing in at a provider the visitor
    reads `next_page`, a path of ours."""
    choices = [
        _choice(platform, language, public_url, next_page)._replace(logo=platform.logo)
        for platform in sorted(platforms, key=lambda platform: platform.id)
    ]
    if not in_wechat:
        return choices
    return [c._replace(kind="provider", code=None) if c.kind == "scan" else c for c in choices]


def is_in_wechat(request: Request) -> bool:
    """Return whether the page is read in WeChat's own browser, where alone WeChat signs anybody
    in."""
    return "micromessenger" in request.headers.get("user-agent", "").lower()


def _choice(
    platform: Platform, language: Language, public_url: str, next_page: str
) -> SignInChoice:
    name = getattr(platform.name, language)
    app = getattr(platform.app_name or platform.name, language)
    if platform.entrance:
        return SignInChoice("app", name, app, platform.entrance, _code(platform.entrance))
    if platform.kind in KINDS_WITH_REDIRECT:
        query = f"?{urlencode({'next': next_page})}" if next_page else ""
        path = f"/enter/{platform.slug}{query}"
        if platform.kind == "wechat":
            return SignInChoice("scan", name, app, path, _code(public_url + path))
        return SignInChoice("provider", name, app, path)
    if platform.origins:
        return SignInChoice("website", name, app, f"{platform.origins[0]}/")
    return SignInChoice("name", name, app)


@lru_cache(maxsize=256)
def _code(address: str) -> Markup:
    return QrCode.of(address).svg()
