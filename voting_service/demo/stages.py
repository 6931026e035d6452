"""The stages at which a demo can start, and the steps that lead to each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.demo.nomination import (
    DEPARTMENTS,
    RECOMMENDED,
    RECOMMENDED_SO_FAR,
)
from voting_service.demo.panel_and_awards import EXPERTS, DemoPanel
from voting_service.nomination.recommending_bodies import LISTED_BODIES
from voting_service.staff.accounts.model import Role

Stage = Literal["recommendation", "review", "vote", "panel", "result"]
STAGES: tuple[Stage, ...] = get_args(Stage)

Step = tuple[str, Callable[[], Awaitable[None]]]


def guests(stage: Stage | None) -> Mapping[str, Role]:
    """Return the accounts besides staff: officers and experts.

    With a stage, every recommending body has an officer; without one, three have.
    """
    slugs = [*(listed.slug for listed in LISTED_BODIES), *DEPARTMENTS]
    if stage is None:
        slugs = ["yuzhong", "shapingba", "industry"]
    accounts: dict[str, Role] = {f"officer-{slug}": "recommender" for slug in slugs}
    if stage in {"panel", "result"}:
        accounts |= {f"expert-{number}": "expert" for number in range(1, EXPERTS + 1)}
    return accounts


def steps(demo: DemoPanel, key: Ed25519PrivateKey) -> Mapping[Stage, Sequence[Step]]:
    """Return the steps to each stage, each with its description. `key` signs the cut."""
    return {
        "recommendation": [
            ("officers recommend", lambda: demo.recommend(RECOMMENDED_SO_FAR)),
            ("others are still drafting", demo.begin_drafts),
        ],
        "review": [
            ("officers submit the remaining recommendations", lambda: demo.recommend(RECOMMENDED)),
            ("recommendations close", demo.end_recommending),
        ],
        "vote": [
            ("the joint office reviews them", demo.review),
            ("two people approve the shortlist", demo.choose),
            ("their numbers are drawn", demo.draw),
            ("the notice period ends", demo.announce_the_fifty),
            ("the shortlist is published to the contest", demo.publish_to_contest),
        ],
        "panel": [
            ("the public votes", demo.end_the_vote),
            ("two people publish the cut", lambda: demo.publish_the_cut(key)),
            ("experts are appointed to the panel", demo.seat_experts),
        ],
        "result": [
            ("two people approve the panel's rules", demo.set_panel_rules),
            ("experts score, one is absent", demo.score),
            ("two people publish the result", lambda: demo.announce_the_result(key)),
        ],
    }
