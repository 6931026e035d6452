"""Every character that a name may have is printed in every document, none is a gap."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec
import pypdfium2
import pytest

from tests.nomination.documents.printed_samples import certificate, full_form, make_album, summary
from tests.nomination.documents.test_recommendation_form import set_form
from voting_service.i18n.text import Text
from voting_service.nomination.documents.album import render_album
from voting_service.nomination.documents.certificate import CITATION_CHARACTERS, render_certificates
from voting_service.nomination.documents.summary_report import render_summary_report

LISTED = Path("tests/infrastructure/typesetting/general_standard_characters.txt")
STORY_CHARACTERS = 1800


def parts(text: str, length: int) -> list[str]:
    return [text[place : place + length] for place in range(0, len(text), length)]


def form(text: str) -> bytes:
    return set_form(full_form(deeds=text))


def certificates(text: str) -> bytes:
    pieces = parts(text, CITATION_CHARACTERS["zh"])
    return render_certificates([certificate(citation=piece) for piece in pieces], "zh")


def album(text: str) -> bytes:
    pieces = parts(text, STORY_CHARACTERS)
    contents = make_album((None,) * len(pieces))
    people = tuple(
        msgspec.structs.replace(person, story=Text(zh=piece, en="A story."))
        for person, piece in zip(contents.people, pieces, strict=True)
    )
    return render_album(msgspec.structs.replace(contents, people=people), "zh", for_print=False)


def report(text: str) -> bytes:
    contents = summary()
    first = next(iter(contents.texts))
    texts = {**contents.texts, first: Text(zh=text, en="What was learned.")}
    return render_summary_report(msgspec.structs.replace(contents, texts=texts), "zh")


@pytest.mark.parametrize("document", [form, certificates, album, report])
def test_it_is_printed(document: Callable[[str], bytes]) -> None:
    characters = "".join(LISTED.read_text("utf-8").split())
    with pypdfium2.PdfDocument(BytesIO(document(characters))) as opened:
        shown = {sign for page in opened for sign in page.get_textpage().get_text_bounded()}
    assert not set(characters) - shown
