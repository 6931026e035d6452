"""The stages a demo can start at, and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.accounts.model import Role
from voting_service.demo.panel import EXPERTS, DemoPanel
from voting_service.demo.selection import DEPARTMENTS, RECOMMENDED, RECOMMENDED_SO_FAR
from voting_service.office.body_list import LISTED_BODIES

Stage = Literal["recommendation", "review", "vote", "panel", "result"]
STAGES: tuple[Stage, ...] = get_args(Stage)

Step = tuple[str, Callable[[], Awaitable[None]]]


def guests(stage: Stage | None) -> Mapping[str, Role]:
    """Accounts beside the staff's: an officer of every body where they recommend, of three where
    nobody has begun, and the experts."""
    slugs = [*(listed.slug for listed in LISTED_BODIES), *DEPARTMENTS]
    if stage is None:
        slugs = ["yuzhong", "shapingba", "industry"]
    found: dict[str, Role] = {f"officer-{slug}": "recommender" for slug in slugs}
    if stage in {"panel", "result"}:
        found |= {f"expert-{number}": "expert" for number in range(1, EXPERTS + 1)}
    return found


def steps(work: DemoPanel, key: Ed25519PrivateKey) -> Mapping[Stage, Sequence[Step]]:
    """What leads to each stage from the one before, in words and deed; `key` signs the cut."""
    return {
        "recommendation": [
            ("officers recommend", lambda: work.recommend(RECOMMENDED_SO_FAR)),
            ("others are still at work", work.begin_drafts),
        ],
        "review": [
            ("officers recommend the others", lambda: work.recommend(RECOMMENDED)),
            ("recommending ends", work.end_recommending),
        ],
        "vote": [
            ("the joint office reviews", work.review),
            ("two people choose the fifty", work.choose),
            ("their numbers are drawn", work.draw),
            ("the public notice runs out", work.announce_the_fifty),
            ("the fifty go to the vote", work.hand_over),
        ],
        "panel": [
            ("the public votes", work.end_the_vote),
            ("two people publish the cut", lambda: work.publish_the_cut(key)),
            ("the experts take their seats", work.seat_experts),
        ],
        "result": [
            ("two people set the panel's rules", work.set_panel_rules),
            ("experts score, one is absent", work.score),
            ("two people announce the result", lambda: work.announce_the_result(key)),
        ],
    }
