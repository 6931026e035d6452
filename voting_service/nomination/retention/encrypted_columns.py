"""Every encrypted column of the nomination, with the label that each row is encrypted under."""

from __future__ import annotations

from typing import Literal, NamedTuple


class EncryptedColumn(NamedTuple):
    """`label` is an SQL expression over the table row, aliased `row`. `on_erasure` is what erase.py
    does: it empties a text, deletes the row of a file, and keeps what was published or what it
    reduces in a step of its own."""

    table: str
    column: str
    label: str
    on_erasure: Literal["emptied", "deleted", "kept"] = "emptied"


_FORM_OF_RECOMMENDATION = """
    (select 'form of body ' || row.body_id || ' in ' || s.slug
       from nomination.selections s where s.id = row.selection_id)"""
_FORM_OF_SUBMISSION = """
    (select 'form of body ' || r.body_id || ' in ' || s.slug
       from nomination.recommendations r join nomination.selections s on s.id = r.selection_id
      where r.id = row.recommendation_id)"""
_SLUG = "(select s.slug from nomination.selections s where s.id = row.selection_id)"

ENCRYPTED_COLUMNS: tuple[EncryptedColumn, ...] = (
    EncryptedColumn("recommendations", "form", _FORM_OF_RECOMMENDATION, "kept"),
    EncryptedColumn("submissions", "form", _FORM_OF_SUBMISSION, "kept"),
    EncryptedColumn(
        "files",
        "sources",
        "'sources of file ' || row.slot || ' of recommendation ' || row.recommendation_id",
    ),
    EncryptedColumn(
        "files",
        "content",
        "'file ' || row.slot || ' of recommendation ' || row.recommendation_id",
        "deleted",
    ),
    EncryptedColumn(
        "document_pack_pieces",
        "content",
        "'piece ' || row.place || ' of document pack ' || row.pack_id",
        "deleted",
    ),
    EncryptedColumn("joint_office_stamps", "content", f"'stamp of ' || {_SLUG}", "kept"),
    EncryptedColumn("reviews", "reason", "'review of recommendation ' || row.recommendation_id"),
    EncryptedColumn("notes", "content", "'note of recommendation ' || row.recommendation_id"),
    EncryptedColumn(
        "profiles", "content", "'profile of recommendation ' || row.recommendation_id", "kept"
    ),
    EncryptedColumn("objections", "sender", f"'sender of an objection in ' || {_SLUG}"),
    EncryptedColumn("objections", "content", f"'objection in ' || {_SLUG}"),
    EncryptedColumn(
        "panel_conflicts",
        "reason",
        "'conflict of expert ' || row.account_id || ' with candidate ' || row.number",
    ),
    EncryptedColumn("objection_answers", "answer", "'answer to objection ' || row.objection_id"),
)
HASHES = frozenset(
    {
        "body_scan_sha256",
        "employer_scan_sha256",
        "evidence_sha256",
        "form_sha256",
        "person_hash",
        "photo_sha256",
        "printed_sha256",
        "sha256",
        "token_hash",
    }
)
"""The binary columns that are hashes; every other binary column must be listed above."""


def encrypted_column(table: str) -> EncryptedColumn:
    """Return the only encrypted column of a table."""
    (column,) = (candidate for candidate in ENCRYPTED_COLUMNS if candidate.table == table)
    return column
