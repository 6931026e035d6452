"""Encryption of forms, files, reasons and notes: the label of each, and what is hashed. No I/O."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from voting_service.nomination.form.model import Opinion, RecommendationForm
from voting_service.nomination.form.validation import STAMPED_PAGES
from voting_service.nomination.model import Slot
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import FileSource, Recommendation


def form_label(body_id: int, selection_slug: str) -> str:
    """Label of a form, also in its submissions. A form is encrypted before its recommendation has
    a number, so the label binds it to the body and the selection."""
    return f"form of body {body_id} in {selection_slug}"


def file_label(slot: Slot, recommendation_id: int) -> str:
    """Label of a file."""
    return f"file {slot} of recommendation {recommendation_id}"


def review_label(recommendation_id: int) -> str:
    """Label of the reason of a verdict or withdrawal."""
    return f"review of recommendation {recommendation_id}"


def form_bytes(form: RecommendationForm) -> bytes:
    """Return the bytes that are encrypted and hashed: JSON with the fields in the form's order."""
    return msgspec.json.encode(form)


def form_sha256(form: RecommendationForm) -> bytes:
    """Return the fingerprint that a receipt shows."""
    return sha256(form_bytes(form)).digest()


def printed_sha256(form: RecommendationForm) -> bytes:
    """Return the fingerprint of what is stamped: the form without its opinions, which are typed
    once they have been written and stamped."""
    return form_sha256(
        msgspec.structs.replace(form, employer_opinion=Opinion(), body_opinion=Opinion())
    )


def outdated_stamps(recommendation: Recommendation) -> tuple[Slot, ...]:
    """Return the stamped pages of a form that was changed since it was stamped."""
    now = printed_sha256(recommendation.form)
    return tuple(
        slot
        for slot in STAMPED_PAGES
        if (info := recommendation.files.get(slot)) and info.printed_sha256 not in (None, now)
    )


def encrypted_form_sha256(
    keys: PersonalKeys, body_id: int, selection_slug: str, encrypted: bytes
) -> bytes:
    """Return the fingerprint of a stored form, byte for byte: it stays valid when the form gets
    other fields."""
    return sha256(keys.decrypt(form_label(body_id, selection_slug), encrypted)).digest()


def encrypt_form(
    keys: PersonalKeys, body_id: int, selection_slug: str, form: RecommendationForm
) -> bytes:
    """Encrypt a form of a body."""
    return keys.encrypt(form_label(body_id, selection_slug), form_bytes(form))


def decrypt_form(
    keys: PersonalKeys, body_id: int, selection_slug: str, encrypted: bytes
) -> RecommendationForm:
    """Decrypt a stored form. Raises Refused when the key is missing, or the bytes belong to
    another body or selection."""
    return msgspec.json.decode(
        keys.decrypt(form_label(body_id, selection_slug), encrypted), type=RecommendationForm
    )


def encrypt_sources(
    keys: PersonalKeys, slot: Slot, recommendation_id: int, sources: tuple[FileSource, ...]
) -> bytes | None:
    """Encrypt the names of the files that a file was joined from; None without any."""
    label = f"sources of {file_label(slot, recommendation_id)}"
    return keys.encrypt(label, msgspec.json.encode(sources)) if sources else None


def decrypt_sources(
    keys: PersonalKeys, slot: Slot, recommendation_id: int, encrypted: bytes | None
) -> tuple[FileSource, ...]:
    """Decrypt the same; none after they were erased."""
    label = f"sources of {file_label(slot, recommendation_id)}"
    decrypted = keys.decrypt(label, encrypted) if encrypted else b""
    return msgspec.json.decode(decrypted, type=tuple[FileSource, ...]) if decrypted else ()
