"""An entry of the audit log: plain values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

Act = Literal[
    "account_connected",
    "account_disabled",
    "account_made",
    "account_renewed",
    "alarm_seen",
    "approved",
    "assigned",
    "body_added",
    "certificates_issued",
    "confirmed_identity",
    "conflict_declared",
    "conflict_withdrawn",
    "contact_changed",
    "contact_removed",
    "contact_verified",
    "contacts_changed",
    "contest_announced",
    "contest_changed",
    "contest_deleted",
    "contest_imported",
    "declined",
    "draft_discarded",
    "draft_saved",
    "exported",
    "file_attached",
    "file_removed",
    "hold_made",
    "invitation_approved",
    "invitation_revoked",
    "invitation_sent",
    "invited",
    "job_retried",
    "keys_destroyed",
    "master_key_changed",
    "note_added",
    "notice_published",
    "objection_answered",
    "objection_entered",
    "passkey_added",
    "passkey_removed",
    "password_changed",
    "person_checked",
    "person_conflict",
    "person_key_shown",
    "personal_data_erased",
    "personal_data_reencrypted",
    "picture_changed",
    "platform_added",
    "platform_changed",
    "platform_switched",
    "profile_saved",
    "proposed",
    "publicity_changed",
    "published",
    "published_to_contest",
    "recommendation_begun",
    "recommendation_deleted",
    "recommendation_submitted",
    "recommendation_withdrawn",
    "report_changed",
    "restored",
    "reviewed",
    "scored",
    "scores_reopened",
    "scores_submitted",
    "session_ended",
    "shortlist_draft_saved",
    "sign_in_failed",
    "signed_in",
    "signed_out",
    "stamp_added",
    "tally_rebuilt",
    "viewed",
    "wording_changed",
]
ACTS: tuple[Act, ...] = get_args(Act)


class EntryContent(msgspec.Struct, frozen=True):
    """The content of an entry; `details` is the text that Postgres stores and that was hashed."""

    entry: int
    at: datetime
    actor: str
    act: str
    contest: str | None
    subject: str
    details: str


class Entry(EntryContent, frozen=True):
    """One entry with the hash that binds it to the one before it."""

    previous_hash: bytes
    hash: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """Return the details as values. Their shape is not guaranteed: details that are no object
        or cannot be read stand under `details`."""
        try:
            facts = msgspec.json.decode(self.details)
        except (msgspec.DecodeError, RecursionError):  # a number or a depth beyond ours
            facts = self.details
        return facts if isinstance(facts, dict) else {"details": facts}
