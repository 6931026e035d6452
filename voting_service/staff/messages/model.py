"""What messages say, to whom, and over which channel: plain values and checks, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import LANGUAGES, Language, Text
from voting_service.setting_values import MAIL_ADDRESS

Channel = Literal["email", "sms", "wework"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
MessageKind = Literal[
    "returned",
    "accepted",
    "shortlisted",
    "result",
    "deadline",
    "extended",
    "approval",
    "invitation",
    "code",
]
Outcome = Literal["sent", "kept", "failed", "off"]
"""`kept` instead of sent, in a demo; `off` where the channel is not set up."""
MessageState = Literal["waiting", "running", "interrupted", "sent", "kept", "failed", "off"]
"""An outcome, or where a message without one is; `interrupted` left the queue unsent, as after a
restore from an archive."""

CATALOGUE = "messages"
PLACEHOLDERS: Mapping[MessageKind, tuple[str, ...]] = {
    "returned": ("selection", "number", "until", "link"),
    "accepted": ("selection", "number", "link"),
    "shortlisted": ("selection", "numbers", "link"),
    "result": ("selection", "numbers", "link"),
    "deadline": ("selection", "until", "situation", "link"),
    "extended": ("selection", "before", "until", "link"),
    "approval": ("what", "proposer", "link"),
    "invitation": ("until", "link"),
    "code": ("code", "minutes", "link"),
}
"""What may stand in braces in a kind's wording."""
REQUIRED = ("link", "until")
"""Which of them its text must have, where the kind has them."""
WORDED: tuple[MessageKind, ...] = get_args(MessageKind)[:7]
"""The kinds whose wording belongs to a selection and can be changed for it."""
MAX_SUBJECT_CHARACTERS, MAX_TEXT_CHARACTERS = 80, 2000
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}|\+[1-9][0-9]{7,14}")
_BETWEEN_DIGITS = str.maketrans("", "", " -()\u2010\u2011")


class Wording(msgspec.Struct, frozen=True):
    """Subject and text of a kind of message; text messages are the subject and the link."""

    subject: Text
    text: Text


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message before it is known who gets it over which channel.

    `key` names what it tells of: the same person gets that once over each channel. `params` are
    the values of the placeholders but the link, which leads to `path` of the staff site. It is sent
    at `due_at`, at once without that.
    """

    kind: MessageKind
    key: str
    params: Mapping[str, Text] = msgspec.field(default_factory=dict)
    path: str = "/"
    selection_id: int | None = None
    due_at: datetime | None = None


class RenderedMessage(msgspec.Struct, frozen=True):
    """What is sent: an e-mail's subject and text; `short` is both for the other channels."""

    subject: str
    text: str
    short: str


def default_wording(kind: MessageKind) -> Wording:
    """Return the catalogue's wording of a kind, with its placeholders."""
    names = {name: f"{{{name}}}" for name in PLACEHOLDERS[kind]}
    return Wording(
        load_text(CATALOGUE, f"kinds.{kind}.subject", **names),
        load_text(CATALOGUE, f"kinds.{kind}.text", **names),
    )


def wording_faults(kind: MessageKind, wording: Wording) -> list[Fault]:
    """Return everything that is wrong with a wording, by the fields of its form."""
    faults: list[Fault] = []
    for language in LANGUAGES:
        subject, text = getattr(wording.subject, language), getattr(wording.text, language)
        if not 1 <= len(subject) <= MAX_SUBJECT_CHARACTERS or not subject.isprintable():
            limit = MAX_SUBJECT_CHARACTERS
            faults.append(Fault(f"subject_{language}", "staff.messages.subject", limit=limit))
        if not 1 <= len(text) <= MAX_TEXT_CHARACTERS:
            limit = MAX_TEXT_CHARACTERS
            faults.append(Fault(f"text_{language}", "staff.messages.text_length", limit=limit))
        for field, value in (("subject", subject), ("text", text)):
            faults += _placeholder_faults(kind, f"{field}_{language}", value)
        for name in REQUIRED:
            if name in PLACEHOLDERS[kind] and f"{{{name}}}" not in text:
                faults.append(Fault(f"text_{language}", "staff.messages.lacks", name=name))
    return faults


def _placeholder_faults(kind: MessageKind, field: str, value: str) -> Iterator[Fault]:
    allowed = PLACEHOLDERS[kind]
    for name in dict.fromkeys(_PLACEHOLDER.findall(value)):
        if name not in allowed:
            yield Fault(
                field, "staff.messages.unknown_placeholder", name=name, known=_listed(allowed)
            )
    if set(_PLACEHOLDER.sub("", value)) & set("{}"):
        yield Fault(field, "staff.messages.stray_brace", known=_listed(allowed))


def _listed(names: tuple[str, ...]) -> str:
    return " ".join(f"{{{name}}}" for name in names)


def render(
    wording: Wording, params: Mapping[str, Text], link: str, language: Language
) -> RenderedMessage:
    """Return a message in a language. Raises KeyError for a placeholder without a value."""
    values = {name: getattr(text, language) for name, text in params.items()} | {"link": link}

    def fill(template: Text) -> str:
        return _PLACEHOLDER.sub(lambda match: values[match[1]], getattr(template, language))

    subject = fill(wording.subject)
    footer = load_text(CATALOGUE, "frame.footer")
    short = load_text(CATALOGUE, "frame.short", subject=Text(subject, subject), link=link)
    text = f"{fill(wording.text).strip()}\n\n-- \n{getattr(footer, language)}\n"
    return RenderedMessage(" ".join(subject.split()), text, getattr(short, language))


def sample_params(kind: MessageKind) -> Mapping[str, Text]:
    """Return made-up values of a kind's placeholders, for a preview."""
    return {
        name: load_text(CATALOGUE, f"samples.{name}")
        for name in PLACEHOLDERS[kind]
        if name != "link"
    }


def parse_address(channel: Channel, typed: str) -> str:
    """Return an e-mail address, or a mobile number without blanks. Raises InvalidInput."""
    typed = typed.strip()
    if channel == "email":
        if MAIL_ADDRESS.fullmatch(typed) and len(typed) <= 254 and ".." not in typed:
            return typed
        raise InvalidInput(Fault("address", "staff.messages.not_mail_address"))
    number = typed.translate(_BETWEEN_DIGITS).removeprefix("+86")
    if _MOBILE.fullmatch(number):
        return number
    raise InvalidInput(Fault("address", "staff.messages.not_mobile_number"))


def masked(address: str) -> str:
    """Return enough of an address for its owner to know it again: w***@example.org, 138****5678."""
    name, at, host = address.partition("@")
    return f"{name[0]}***@{host}" if at else f"{address[:-8]}****{address[-4:]}"
