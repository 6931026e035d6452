"""The published cut as a PDF: who advances, the margins, and how anyone can check it.

A pure function of the signed file: the same file gives the same bytes.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import written_deadline, written_moment, written_zone
from voting_service.i18n.text import Language
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.voting.cut.document import (
    Correction,
    CutDocument,
    TieReport,
)
from voting_service.voting.cut.signature import VerifiedCut, verify_document

Names = Mapping[int, str]
Part = dict[str, Any]


def announcement(document_bytes: bytes, language: Language) -> bytes:
    """Return the announcement of a signed file as PDF.

    Raises InvalidInput when the file is inconsistent.
    """
    verified = verify_document(document_bytes)
    digest = sha256(document_bytes).hexdigest()
    return typeset(__package__, "announcement.typ", announced(verified, digest, language))


def texts(language: Language) -> Mapping[str, Any]:
    """Return the texts of the announcement in this language."""
    return load_catalogue("cut_announcement", language)


def key_fingerprint(public_key: str) -> str:
    """Return the SHA-256 of the key (base64) in DER, as `openssl pkey` writes it."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key))
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()


def announced(verified: VerifiedCut, digest: str, language: Language) -> Part:
    """Return the data of the template; `digest` is that of the signed file."""
    document, words = verified.document, texts(language)
    names = {c.number: getattr(c.name, language) for c in document.counted}
    title = words["title_corrected" if document.corrects else "title"]
    return {
        "language": language,
        "words": words,
        "title": title,
        "contest": getattr(document.contest.title, language),
        "closing": words["closing"].format(version=document.version, start=digest[:16]),
        "opening": _opening(document, language) + _withdrawn(document, names, words),
        "corrections": [
            {"lines": _correction(document.version, correction, names, language)}
            for correction in document.corrects
        ],
        "selected": [
            {"rank": c.rank, "number": c.number, "name": names[c.number], "votes": c.net}
            for c in document.candidates
            if c.selected
        ],
        "margins": _margins(document, names, words),
        "ties": _ties(document, names, language),
        "steps": _steps(verified, digest, words),
    }


def _opening(document: CutDocument, language: Language) -> str:
    contest, ballots = document.contest, document.ballots

    zone = ZoneInfo(contest.time_zone)
    opens, closes = map(datetime.fromisoformat, (contest.opens_at, contest.closes_at))
    text: str = texts(language)["opening"]["panel" if contest.cut.panel else "final"]
    return text.format(
        title=getattr(contest.title, language),
        opens=written_moment(opens, zone, language),
        closes=written_deadline(closes, zone, language),
        zone=written_zone(closes, zone, language),
        gross=f"{ballots.gross:,}",
        void=f"{ballots.void:,}",
        net=f"{ballots.net:,}",
        count=len(document.selected),
    )


def _withdrawn(document: CutDocument, names: Names, words: Mapping[str, Any]) -> str:
    """Return a sentence that names those who are not ranked; "" without any."""
    if not document.withdrawn:
        return ""
    numbers = [result.number for result in document.withdrawn]
    text: str = words["withdrawn"]
    return text.format(names=_named(numbers, names, words["ties"]))


def _named(numbers: Iterable[int], names: Names, words: Mapping[str, str]) -> str:
    return words["between_names"].join(f"{number} {names[number]}" for number in numbers)


def _correction(version: int, change: Correction, names: Names, language: Language) -> list[str]:
    words = texts(language)["correction"]
    lines = [
        words["text"].format(version=version, before=change.version),
        words["reason"].format(reason=getattr(change.reason, language)),
        words["votes"].format(count=len(change.votes)),
    ]
    if change.entered:
        lines.append(words["entered"].format(names=_named(change.entered, names, words)))
    if change.left:
        lines.append(words["left"].format(names=_named(change.left, names, words)))
    return lines


def _margins(document: CutDocument, names: Names, words: Mapping[str, Any]) -> Part:
    size = document.contest.cut.size
    votes = {c.number: c.net for c in document.candidates}
    return {
        "heading": words["margins"]["heading"].format(size=size),
        "none": words["margins"]["none"].format(size=size),
        "rows": [
            {
                "place": row.place,
                "name": f"{row.number} {names[row.number]}",
                "votes": votes[row.number],
                "ahead": row.votes,
                "next_name": f"{row.next_number} {names[row.next_number]}",
                "at_line": row.place == size,
            }
            for row in document.margins
            if size < len(document.candidates)
        ],
    }


def _ties(document: CutDocument, names: Names, language: Language) -> list[str]:
    """Return the rule, and how it applied."""
    words, contest = texts(language)["ties"], document.contest
    sentences = [words[contest.cut.tie].format(slug=contest.slug)]
    if contest.cut.lot_source is not None:
        source = getattr(contest.cut.lot_source, language)
        sentences.append(words["lot_source"].format(source=source))
    if not document.ties:
        return [*sentences, words["not_needed"]]
    for tie in document.ties:
        sentences.extend(_describe_tie(tie, names, words))
    return sentences


def _describe_tie(tie: TieReport, names: Names, texts: Mapping[str, str]) -> list[str]:
    sentences = [
        texts["tied"].format(
            count=len(tie.numbers),
            votes=f"{tie.votes:,}",
            places=tie.places,
            names=_named(tie.numbers, names, texts),
        )
    ]
    if tie.drawn:
        sentences.append(texts["drawn"].format(drawn=tie.drawn))
    if tie.order:
        sentences.append(texts["order"].format(names=_named(tie.order, names, texts)))
    return sentences


def _steps(verified: VerifiedCut, digest: str, words: Mapping[str, Any]) -> list[dict[str, str]]:
    words = words["check"]
    before = "".join(f" --before cut.{c.version}.json" for c in verified.document.corrects)
    return [
        {"what": words["file"], "command": "sha256sum cut.json", "sha256": digest},
        *(
            {
                "what": words["before"].format(before=change.version),
                "command": "",
                "sha256": change.document_sha256,
            }
            for change in verified.document.corrects
        ),
        {
            "what": words["key"],
            "command": "openssl pkey -pubin -in public.pem -outform DER | sha256sum",
            "sha256": key_fingerprint(verified.public_key),
        },
        {
            "what": words["verify"],
            "command": f"voting-service cut verify cut.json --key public.pem{before}",
            "sha256": "",
        },
    ]
