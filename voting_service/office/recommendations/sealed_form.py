"""How forms, files and reasons are sealed: under which label, and what of them is hashed. Pure."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from voting_service.office.form import Form
from voting_service.office.model import Slot
from voting_service.office.sealing import PersonalKeys


def form_label(body_id: int, selection_slug: str) -> str:
    """Of a recommendation's form, and of the same form in a submission. A form is sealed before
    its recommendation has a number, so the label binds it to who recommends, and when."""
    return f"form of body {body_id} in {selection_slug}"


def file_label(slot: Slot, recommendation_id: int) -> str:
    return f"file {slot} of recommendation {recommendation_id}"


def review_label(recommendation_id: int) -> str:
    return f"review of recommendation {recommendation_id}"


def form_bytes(form: Form) -> bytes:
    """What is sealed, and hashed: JSON, the fields in the form's order."""
    return msgspec.json.encode(form)


def form_sha256(form: Form) -> bytes:
    """What a receipt says of a form."""
    return sha256(form_bytes(form)).digest()


def sealed_sha256(keys: PersonalKeys, body_id: int, selection_slug: str, sealed: bytes) -> bytes:
    """The same of what is stored, to the byte: also where the form has had other fields since."""
    return sha256(keys.open(form_label(body_id, selection_slug), sealed)).digest()


def seal_form(keys: PersonalKeys, body_id: int, selection_slug: str, form: Form) -> bytes:
    return keys.seal(form_label(body_id, selection_slug), form_bytes(form))


def open_form(keys: PersonalKeys, body_id: int, selection_slug: str, sealed: bytes) -> Form:
    """Raises Refused when the key is gone, or the bytes belong elsewhere."""
    return msgspec.json.decode(keys.open(form_label(body_id, selection_slug), sealed), type=Form)
