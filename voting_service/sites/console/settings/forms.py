"""Read a setting's value, or the edit of a platform, from a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from voting_service.contests.model import Contest
from voting_service.contests.settings.model import TEXTS, Setting, local_moment
from voting_service.contests.settings.platform_terms import PlatformEdit, PlatformTerms
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text, in_both
from voting_service.sites.console.organisers import read_organisers

Form = Mapping[str, str]


def value_from(form: Form, setting: Setting, contest: Contest) -> Any:
    """Return the value. Raises InvalidInput for a malformed time or number; `changed` checks the
    rest."""
    match setting:
        case "title":
            return _texts(form)
        case "organisers":
            return read_organisers(form)
        case "telephone" | "email":
            return form.get("text", "").strip() or None
        case _ if setting in TEXTS:
            both = _texts(form)
            return msgspec.to_builtins(in_both(**both)) if any(both.values()) else None
        case _:
            return _plain(form, setting, contest)


def _plain(form: Form, setting: Setting, contest: Contest) -> Any:
    match setting:
        case "publish_at" | "opens_at" | "closes_at":
            is_unset = setting == "publish_at" and form.get("when") == "opening"
            typed = form.get("moment", "")
            return None if is_unset else msgspec.to_builtins(local_moment(typed, contest.zone))
        case "release":
            mode, at = form.get("mode", ""), form.get("daily_at", "")
            whole = f"{at}:00" if len(at) == len("20:00") else at  # browsers leave seconds out
            return {"mode": mode, "daily_at": whole if mode == "daily" else None}
        case "ballot":
            return {
                "min_choices": _number(form, "min_choices"),
                "max_choices": _number(form, "max_choices"),
                "every": form.get("every", ""),
            }
        case "cut":
            tie = form.get("tie", "")
            source = {"lot_source": _texts(form)} if tie == "lot" else {}
            panel = {"panel": True} if form.get("panel") == "yes" else {}
            return {"size": _number(form, "size"), "tie": tie, **source, **panel}
        case "list_order":
            return form.get("order", "")
    return _number(form, "number")


def platform_edit_from(form: Form, terms: PlatformTerms) -> PlatformEdit:
    """Return what a person changed about a platform; `edited` checks it. Raises InvalidInput for a
    malformed number."""
    origins = tuple(form.get("origins", "").split())
    url = form.get("jwks_url", "").strip()
    return PlatformEdit(
        name_zh=form.get("name_zh", "").strip() or " ",
        name_en=form.get("name_en", "").strip() or " ",
        add_keys=tuple(pem.encode() for pem in _pems(form.get("add_keys", ""))),
        remove_keys=tuple(kid for name, kid in form.items() if name.startswith("remove_")),
        jwks_url=url if url and url != terms.config.get("jwks_url") else None,
        add_origins=origins,
        remove_origins=tuple(origin for origin in terms.origins if origin not in origins),
        daily_ceiling=_number(form, "daily_ceiling") if form.get("daily_ceiling") else None,
        entrance=form.get("entrance", "").strip(),
        app_zh=form.get("app_zh", "").strip(),
        app_en=form.get("app_en", "").strip(),
        logo=None if form.get("remove_logo") else UNSET,
    )


def _pems(text: str) -> list[str]:
    """Return the PEM blocks of a text, or the whole of it, for its fault, where there is none."""
    blocks = re.findall(r"-----BEGIN.+?-----END[^-]*-----", text, re.DOTALL)
    return blocks or [text] if text.strip() else []


def reason_from(form: Form) -> Text:
    """Return the public reason."""
    return in_both(form.get("reason_zh", ""), form.get("reason_en", ""))


def _texts(form: Form) -> dict[str, str]:
    return {"zh": form.get("zh", "").strip(), "en": form.get("en", "").strip()}


def _number(form: Form, name: str) -> int:
    text = form.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise InvalidInput(Fault(name, "sites.console.settings.whole_number"))
    return int(text)
