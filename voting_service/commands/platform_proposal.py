"""Say that a change of a platform was proposed, and in what it differs from the one that waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from voting_service.commands.output import message, say
from voting_service.contests.settings.approval_kinds import PLATFORM, PlatformPayload
from voting_service.contests.settings.platform_changes import ChangeResult
from voting_service.i18n.text import Text


def say_proposed(result: ChangeResult) -> None:
    """Print the number of the proposal. Where another person's proposal for the same platform
    waits, print the options in which it differs: two people who meant the same mistyped one."""
    say("platform.proposed", decision=result.approval_id)
    for request in result.others:
        waiting = PLATFORM.read(request)
        if result.proposed is not None:
            say(
                "platform.differs",
                decision=request.id,
                slug=waiting.slug,
                proposer=request.proposer,
                options=", ".join(_differences(waiting, result.proposed)),
            )


def _differences(waiting: PlatformPayload, given: PlatformPayload) -> Iterator[str]:
    before, now = _options(waiting), _options(given)
    for option in dict.fromkeys([*before, *now]):
        old, new = before.get(option) or "-", now.get(option) or "-"
        if old != new:
            yield message("platform.differing_option", option=option, before=old, now=new)


def _options(payload: PlatformPayload) -> Mapping[str, str]:
    """Return the options that lead to a proposal, as `add` or `change` names them."""
    terms = payload.after
    key, origin = ("--key", "--origin") if payload.before is None else ("--add-key", "--add-origin")
    app = terms.app_name or Text("", "")
    if terms.kind != "jwt":
        sign_in = {"--config": " ".join(f"{name}={value}" for name, value in terms.config.items())}
    elif "jwks_url" in terms.config:
        sign_in = {"--jwks-url": str(terms.config["jwks_url"])}
    else:
        sign_in = {key: " ".join(terms.keys)}
    return {
        "--name-zh": terms.name.zh,
        "--name-en": terms.name.en,
        "--kind": terms.kind,
        **sign_in,
        origin: " ".join(terms.origins),
        "--daily-ceiling": str(terms.daily_ceiling or ""),
        "--person-policy": terms.person_policy,
        "--entrance": terms.entrance or "",
        "--app-zh": app.zh,
        "--app-en": app.en,
        "--logo": terms.logo.hash[:12] if terms.logo else "",
        "--end-sessions": str(payload.end_sessions).lower(),
        "enabled": str(terms.enabled).lower(),
    }
