"""The error for each database constraint on the panel and its score sheets."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "panel_own_session": Refused("nomination.panel.experts_only"),
    "panel_conflict_late": Refused("nomination.panel.conflict_too_late"),
    "panel_candidates": Refused("nomination.panel.not_a_candidate"),
    "panel_round_not_begun": Refused("nomination.panel.round_not_begun"),
    "panel_round_over": Refused("nomination.panel.round_over"),
    "panel_absent": Refused("nomination.panel.absent_from_first_round"),
    "panel_submitted": Refused("nomination.panel.sheet_submitted"),
    "panel_conflict": Refused("nomination.panel.conflict_of_interest"),
    "panel_conflict_declared": Refused("nomination.panel.no_declared_conflict"),
    "panel_reopeners": Refused("nomination.panel.not_a_reopener"),
    "panel_not_submitted": Refused("nomination.panel.sheet_not_submitted"),
    "panel_chair": Refused("nomination.panel.chair_no_expert"),
    "panel_points": Refused("nomination.panel.points_out_of_range"),
    "panel_scores_secret": Refused("nomination.panel.scores_secret"),
    "panel_minimum": Refused("nomination.panel.too_few_submissions"),
    "panel_rules_fixed": Refused("nomination.panel.rules_fixed"),
    "panel_rules_whole": Refused("nomination.panel.rules_incomplete"),
}
"""By constraint name, as migrations/ gives it."""
