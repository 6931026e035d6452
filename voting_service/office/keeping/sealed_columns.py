"""Every column of the office that is sealed, with the label that each row was sealed with."""

from __future__ import annotations

from typing import Literal, NamedTuple


class SealedColumn(NamedTuple):
    """`label` is an SQL expression over the row, called `row`. `once_over` is what becomes of it
    when a selection is over and its papers are erased (erasing.py): a text is emptied, a file's
    row deleted, and what was published, or is reduced by hand there, kept."""

    table: str
    column: str
    label: str
    once_over: Literal["emptied", "deleted", "kept"] = "emptied"


_FORM_OF_RECOMMENDATION = """
    (select 'form of body ' || row.body_id || ' in ' || s.slug
       from office.selections s where s.id = row.selection_id)"""
_FORM_OF_SUBMISSION = """
    (select 'form of body ' || r.body_id || ' in ' || s.slug
       from office.recommendations r join office.selections s on s.id = r.selection_id
      where r.id = row.recommendation_id)"""
_SLUG = "(select s.slug from office.selections s where s.id = row.selection_id)"

SEALED: tuple[SealedColumn, ...] = (
    SealedColumn("recommendations", "form", _FORM_OF_RECOMMENDATION, "kept"),
    SealedColumn("submissions", "form", _FORM_OF_SUBMISSION, "kept"),
    SealedColumn(
        "files",
        "content",
        "'file ' || row.slot || ' of recommendation ' || row.recommendation_id",
        "deleted",
    ),
    SealedColumn("reviews", "reason", "'review of recommendation ' || row.recommendation_id"),
    SealedColumn("notes", "content", "'note of recommendation ' || row.recommendation_id"),
    SealedColumn(
        "profiles", "content", "'profile of recommendation ' || row.recommendation_id", "kept"
    ),
    SealedColumn("objections", "sender", f"'sender of an objection in ' || {_SLUG}"),
    SealedColumn("objections", "content", f"'objection in ' || {_SLUG}"),
    SealedColumn("objection_answers", "answer", "'answer to objection ' || row.objection_id"),
)
HASHES = frozenset(
    {
        "body_scan_sha256", "employer_scan_sha256", "evidence_sha256", "form_sha256",
        "person_hash", "photo_sha256", "sha256", "token_hash",
    }
)  # fmt: skip
"""Columns of bytes that are hashes; every other one must be named above."""
