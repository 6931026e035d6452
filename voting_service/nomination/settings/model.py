"""The settings of a selection, what they may become, and what is wrong with a change. No I/O.

| section | who | until |
|---|---|---|
| `deadline` | two people; it only moves later | the shortlist is chosen |
| `quotas` | two people; not below the places that a body has taken | the shortlist is chosen |
| `titles` | two people; what was published keeps its own | – |
| `body_contacts` | two people; of the bodies that change | – |
| contacts of the joint office | one person | – |

The joint office's contacts need no second person: a wrong telephone number helps nobody and has to
be put right at once, what was published keeps its own, and the audit log has every change with what
it was before.
The database has the same rules (migrations/schema/nomination/settings.sql).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from voting_service.errors import Fault
from voting_service.i18n.text import Text
from voting_service.nomination.form.telephones import are_telephones
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.model import BodyContact, Selection
from voting_service.nomination.privacy.disclosure import disclosures

Section = Literal["deadline", "quotas", "titles", "body_contacts"]
LONGEST_EXTENSION = timedelta(days=60)
"""After the deadline, or after today where that has passed."""
MOST_PLACES = 1000
MAX_TITLE_CHARACTERS = 60
MAX_CONTACT_CHARACTERS = 120
MAX_REASON_CHARACTERS = 500


class NewDeadline(NamedTuple):
    closes_at: datetime


class NewQuotas(NamedTuple):
    """None where the number could not be read."""

    district_quota: int | None
    department_quota: int | None


class NewTitles(NamedTuple):
    title: Text
    award: Text


class Contacts(NamedTuple):
    """Whom to ask; empty leaves room to write it."""

    contact: Text
    contact_person: str
    telephone: str
    office_address: Text


class NewBodyContacts(NamedTuple):
    """Contacts by the slug of each body of the form, changed or not."""

    contacts: Mapping[str, BodyContact]


Change = NewDeadline | NewQuotas | NewTitles | NewBodyContacts


def find_section(change: Change) -> Section:
    """Return the section that a change belongs to."""
    match change:
        case NewDeadline():
            return "deadline"
        case NewQuotas():
            return "quotas"
        case NewTitles():
            return "titles"
        case NewBodyContacts():
            return "body_contacts"


def values_now(selection: Selection, change: Change) -> dict[str, Any]:
    """Return the values that a change replaces by name, as an approval request stores them."""
    match change:
        case NewDeadline():
            return {"closes_at": selection.closes_at.isoformat()}
        case NewQuotas():
            return {
                "district_quota": selection.district_quota,
                "department_quota": selection.department_quota,
            }
        case NewTitles():
            rules = selection.rules
            return {name: msgspec.to_builtins(getattr(rules, name)) for name in ("title", "award")}
        case NewBodyContacts():
            return {
                slug: msgspec.to_builtins(selection.body_contact(slug))
                for slug in _changed_contacts(selection, change)
            }


def values_after(selection: Selection, change: Change) -> dict[str, Any]:
    """Return the values that a change proposes, as an approval request stores them."""
    match change:
        case NewDeadline(closes_at):
            return {"closes_at": closes_at.isoformat()}
        case NewBodyContacts():
            changed = _changed_contacts(selection, change)
            return {slug: msgspec.to_builtins(contact) for slug, contact in changed.items()}
        case _:
            return {name: msgspec.to_builtins(value) for name, value in change._asdict().items()}


def _changed_contacts(selection: Selection, change: NewBodyContacts) -> dict[str, BodyContact]:
    return {
        slug: contact
        for slug, contact in change.contacts.items()
        if contact != selection.body_contact(slug)
    }


def change_faults(selection: Selection, change: Change, now: datetime) -> list[Fault]:
    """Return what is wrong with a change, by field."""
    match change:
        case NewDeadline(closes_at):
            return _deadline_faults(closes_at, max(selection.closes_at, now))
        case NewQuotas():
            return [
                Fault(name, "nomination.settings.quota", limit=MOST_PLACES)
                for name, value in change._asdict().items()
                if value is None or not 1 <= value <= MOST_PLACES
            ]
        case NewTitles():
            return [
                fault
                for name, text in change._asdict().items()
                for fault in _text_faults(name, text)
            ]
        case NewBodyContacts(contacts):
            return [
                fault
                for slug, contact in contacts.items()
                for fault in _body_contact_faults(slug, contact)
            ]


def _deadline_faults(closes_at: datetime, earliest: datetime) -> list[Fault]:
    if closes_at <= earliest:
        return [Fault("closes_at", "nomination.settings.deadline_later")]
    if closes_at > earliest + LONGEST_EXTENSION:
        days = LONGEST_EXTENSION.days
        return [Fault("closes_at", "nomination.settings.deadline_too_late", days=days)]
    return []


def _text_faults(name: str, text: Text) -> list[Fault]:
    return [
        Fault(f"{name}_{language}", "nomination.settings.title_length", limit=MAX_TITLE_CHARACTERS)
        for language, value in msgspec.structs.asdict(text).items()
        if not 1 <= len(value) <= MAX_TITLE_CHARACTERS or not value.isprintable()
    ]


def _body_contact_faults(slug: str, contact: BodyContact) -> list[Fault]:
    faults = []
    if len(contact.person) > MAX_CONTACT_CHARACTERS or not contact.person.isprintable():
        code = "nomination.settings.contact_length"
        faults.append(Fault(f"person-{slug}", code, limit=MAX_CONTACT_CHARACTERS))
    if len(contact.telephone) > MAX_CONTACT_CHARACTERS or not are_telephones(contact.telephone):
        faults.append(Fault(f"telephone-{slug}", "nomination.settings.telephone"))
    return faults


def contact_faults(contacts: Contacts) -> list[Fault]:
    """Return what is wrong with contacts, by field."""
    values = {
        "contact_zh": contacts.contact.zh,
        "contact_en": contacts.contact.en,
        "contact_person": contacts.contact_person,
        "telephone": contacts.telephone,
        "office_address_zh": contacts.office_address.zh,
        "office_address_en": contacts.office_address.en,
    }
    return [
        Fault(name, "nomination.settings.contact_length", limit=MAX_CONTACT_CHARACTERS)
        for name, value in values.items()
        if len(value) > MAX_CONTACT_CHARACTERS or not value.replace("\n", "").isprintable()
    ]


def reason_faults(reason: str) -> list[Fault]:
    """Return what is wrong with a reason; it is shown to all and recorded, so it names nobody."""
    if not 1 <= count_characters(reason) <= MAX_REASON_CHARACTERS:
        return [Fault("reason", "nomination.settings.reason_length", limit=MAX_REASON_CHARACTERS)]
    return list(disclosures({"reason": reason}))
