"""The error for each rule about changes of a selection."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "settings_after_shortlist": Refused("nomination.settings.after_shortlist"),
    "settings_changed_since": Refused("nomination.settings.changed_since"),
    "settings_deadline_later": Refused("nomination.settings.deadline_not_later"),
    "settings_quota_taken": Refused("nomination.settings.quota_taken"),
}
"""By constraint name, as migrations/ gives it."""
