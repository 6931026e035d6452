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

Stage = Literal["recommendation", "review", "vote", "panel", "result", "award"]
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
    if stage in {"panel", "result", "award"}:
        accounts |= {f"expert-{number}": "expert" for number in range(1, EXPERTS + 1)}
    return accounts


def steps(demo: DemoPanel, key: Ed25519PrivateKey) -> Mapping[Stage, Sequence[Step]]:
    """Return the steps to each stage, each with its name in the catalogue. `key` signs the cut."""
    return {
        "recommendation": [
            ("officers_recommend", lambda: demo.recommend(RECOMMENDED_SO_FAR)),
            ("others_draft", demo.begin_drafts),
        ],
        "review": [
            ("remaining_recommendations", lambda: demo.recommend(RECOMMENDED)),
            ("some_corrected", demo.return_some),
            ("recommendations_close", demo.end_recommending),
            ("some_scored", demo.score_some),
        ],
        "vote": [
            ("office_reviews", demo.review),
            ("shortlist_approved", demo.choose),
            ("opinion_given", demo.give_opinion),
            ("numbers_drawn", demo.draw),
            ("notice_ends", demo.publish_shortlist_notice),
            ("shortlist_published", demo.publish_to_contest),
        ],
        "panel": [
            ("public_votes", demo.end_the_vote),
            ("cut_published", lambda: demo.publish_the_cut(key)),
            ("experts_appointed", demo.seat_experts),
            ("panel_rules", demo.set_panel_rules),
        ],
        "result": [
            ("experts_score", demo.score),
            ("result_published", lambda: demo.announce_the_result(key)),
        ],
        "award": [("certificates_issued", demo.issue_certificates)],
    }
