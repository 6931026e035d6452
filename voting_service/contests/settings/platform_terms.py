"""What is agreed with a platform, and how a person edits it. Pure: terms in, terms out.

Everything here may be changed under the same platform id, so that its users stay the same voters.
The kind may not, nor, once a contest is announced, the sign-in settings of any kind but jwt: they
decide who a user is, and a user who becomes somebody else could vote again. The person policy is
fixed then too (`migrations/schema/contests.sql`: `keep_person_policy`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from voting_service.contests.model import Logo, PersonPolicy, Platform
from voting_service.contests.platform_registration import (
    entrance_address,
    public_jwk,
    readable_name,
    web_origin,
)
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.http_clients.urls import check_https_address

Given = TypeVar("Given")
Good = TypeVar("Good")


class PlatformTerms(msgspec.Struct, frozen=True):
    """The fields of `contests/model.py: Platform` that people administer."""

    name: Text
    kind: str
    config: dict[str, Any]
    origins: tuple[str, ...] = ()
    daily_ceiling: int | None = None
    enabled: bool = True
    person_policy: PersonPolicy = "never"
    entrance: str | None = None
    app_name: Text | None = None
    logo: Logo | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What a platform's users are recognised by: the ids of its keys, or where it publishes
        them; of other kinds the kind."""
        pinned = [str(key.get("kid")) for key in self.config.get("keys") or ()]
        return tuple(pinned) or (str(self.config.get("jwks_url", self.kind)),)


def read_terms(platform: Platform) -> PlatformTerms:
    """Return the terms in force."""
    fields = PlatformTerms.__struct_fields__
    return PlatformTerms(**{field: getattr(platform, field) for field in fields})


def with_terms(platform: Platform, terms: PlatformTerms) -> Platform:
    """Return the platform as it would be under the terms."""
    return replace(platform, **msgspec.structs.asdict(terms))


def removes_key(before: PlatformTerms, after: PlatformTerms) -> bool:
    """Return whether a key, or a place where keys are published, is no longer trusted."""
    return not set(before.keys) <= set(after.keys)


class PlatformEdit(msgspec.Struct, frozen=True):
    """What somebody enters; fields that are left out stay as they are. `add_keys` are PEM files;
    they replace published keys, and `jwks_url` replaces pinned ones. An empty entrance or app name
    removes it."""

    name_zh: str | None = None
    name_en: str | None = None
    add_keys: tuple[bytes, ...] = ()
    remove_keys: tuple[str, ...] = ()
    jwks_url: str | None = None
    config: dict[str, Any] | None = None
    add_origins: tuple[str, ...] = ()
    remove_origins: tuple[str, ...] = ()
    daily_ceiling: int | UnsetType | None = UNSET
    person_policy: PersonPolicy | None = None
    entrance: str | None = None
    app_zh: str | None = None
    app_en: str | None = None
    logo: Logo | UnsetType | None = UNSET


def edited(terms: PlatformTerms, edit: PlatformEdit) -> PlatformTerms:
    """Return the edited terms. Raises InvalidInput with every fault."""
    faults: list[Fault] = []
    name = Text(
        zh=_checked(faults, "name.zh", readable_name, edit.name_zh or terms.name.zh) or "",
        en=_checked(faults, "name.en", readable_name, edit.name_en or terms.name.en) or "",
    )
    app_name = _edited_app_name(faults, terms, edit)
    entrance = terms.entrance if edit.entrance is None else edit.entrance or None
    if edit.entrance:
        _checked(faults, "entrance", entrance_address, edit.entrance)
    config = _edited_config(faults, terms, edit)
    added = [_checked_origin(faults, origin) for origin in edit.add_origins]
    removed = {_checked_origin(faults, origin) for origin in edit.remove_origins}
    faults += [
        Fault("origin", "contests.settings.no_such_origin", origin=origin)
        for origin in removed
        if origin and origin not in terms.origins
    ]
    if faults:
        raise InvalidInput(*faults)
    origins = dict.fromkeys([*terms.origins, *filter(None, added)])
    ceiling = edit.daily_ceiling
    return replace(
        terms,
        name=name,
        config=config,
        origins=tuple(origin for origin in origins if origin not in removed),
        daily_ceiling=terms.daily_ceiling if ceiling is UNSET else ceiling,
        person_policy=edit.person_policy or terms.person_policy,
        entrance=entrance,
        app_name=app_name,
        logo=terms.logo if edit.logo is UNSET else edit.logo,
    )


def _edited_app_name(faults: list[Fault], terms: PlatformTerms, edit: PlatformEdit) -> Text | None:
    before = terms.app_name or Text("", "")
    zh = before.zh if edit.app_zh is None else edit.app_zh
    en = before.en if edit.app_en is None else edit.app_en
    if not zh and not en:
        return None
    if not zh or not en:
        faults.append(Fault("app.en" if zh else "app.zh", "contests.settings.app_name_in_both"))
        return None
    return Text(
        zh=_checked(faults, "app.zh", readable_name, zh) or "",
        en=_checked(faults, "app.en", readable_name, en) or "",
    )


def _edited_config(faults: list[Fault], terms: PlatformTerms, edit: PlatformEdit) -> dict[str, Any]:
    if edit.config is not None:
        if terms.kind == "jwt":  # a key's id is made from the key, and people compare ids
            faults.append(Fault("config", "contests.settings.config_of_jwt"))
        return edit.config
    if edit.jwks_url is not None:
        return {"jwks_url": _checked(faults, "jwks_url", check_https_address, edit.jwks_url)}
    if not (edit.add_keys or edit.remove_keys):
        return terms.config
    keys = {key.get("kid"): key for key in terms.config.get("keys") or ()}
    for kid in edit.remove_keys:
        if keys.pop(kid, None) is None:
            faults.append(Fault("key", "contests.settings.no_such_key", kid=kid))
    for number, pem in enumerate(edit.add_keys, 1):
        jwk = _checked(faults, f"key {number}", public_jwk, pem)
        if jwk is not None:
            keys[jwk["kid"]] = jwk
    if not keys and not edit.add_keys:  # a key that is at fault has its own
        faults.append(Fault("key", "contests.settings.no_key_left"))
    return {"keys": list(keys.values())}


def _checked_origin(faults: list[Fault], origin: str) -> str | None:
    return _checked(faults, f"origin {origin}", web_origin, origin)


def _checked(
    faults: list[Fault], field: str, check: Callable[[Given], Good], value: Given
) -> Good | None:
    """Return the result of `check`; add its faults, as faults of `field`, and return None."""
    try:
        return check(value)
    except InvalidInput as error:
        faults.extend(fault.at(field) for fault in error.faults)
        return None
