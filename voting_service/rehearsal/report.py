"""The report of a rehearsal: a page and a text in each language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from babel.dates import format_skeleton

from voting_service.i18n.catalogues import load_catalogue, load_text
from voting_service.i18n.formatting import LOCALES, written_day, written_moment, written_number
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.rehearsal import pictures
from voting_service.rehearsal.attacks import ATTACKS
from voting_service.rehearsal.crowd import HONEST_KINDS
from voting_service.rehearsal.observations import NOT_TAKEN
from voting_service.rehearsal.rehearse import Outcome
from voting_service.rehearsal.visits import SIGNED_IN
from voting_service.sites.shared.templates import template_environment

MINUTES_FROM_SECONDS = 120
_SUFFIXES = ("html", "txt")


class AttackRow(NamedTuple):
    """An attack: its visits by outcome, and its stored ballots by state."""

    name: str
    tried: int
    refused: int
    challenged: int
    cast: int
    void: int
    counted: int


class PlatformSignIns(NamedTuple):
    name: str
    accepted: int
    refused: int


def write_reports(outcome: Outcome, folder: Path) -> list[Path]:
    """Write the reports into a folder, which is made; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = template_environment("voting_service.rehearsal")
    written = []
    for language in LANGUAGES:
        shown = _context(outcome, language)
        for suffix in _SUFFIXES:
            path = folder / f"report.{language}.{suffix}"
            page = environment.get_template(f"report.{suffix}").render(shown)
            path.write_text(page, encoding="utf-8")
            written.append(path)
    return written


def _context(outcome: Outcome, language: Language) -> dict[str, Any]:
    zone, contest = outcome.contest.zone, outcome.contest
    moment = partial(written_moment, zone=zone, language=language)
    scale = pictures.Scale(outcome.announced, contest)
    entries = [(entry, getattr(entry.sentence(zone), language)) for entry in outcome.entries]
    findings = [
        (finding, getattr(finding.sentence(zone), language)) for finding in outcome.findings
    ]
    cut = outcome.observer.cut
    return {
        "t": {"rehearsal": load_catalogue("rehearsal", language)},
        "language": language,
        "title": getattr(contest.rules.title, language),
        "outcome": outcome,
        "contest": contest,
        "duration": _duration(outcome.seconds, language),
        "moment": moment,
        "day": partial(written_day, language=language),
        "short_day": partial(_short_day, language=language),
        "number": partial(written_number, language=language),
        "findings": [
            (finding, words, getattr(finding.remedy(zone), language)) for finding, words in findings
        ],
        "diary": {
            side: [(entry.at, words) for entry, words in entries if entry.side == side]
            for side in pictures.LANES
        },
        "attacks": [_attack(outcome, name, language) for name in _attack_names(outcome)],
        "platforms": _platforms(outcome, language),
        "honest": sum(outcome.figures.visits[kind, "cast"] for kind in HONEST_KINDS),
        "timeline": {
            "bands": pictures.bands(outcome.announced, contest, scale),
            "marks": pictures.marks(entries, scale),
            "flags": pictures.flags(findings, scale),
            "ticks": scale.ticks(),
            "lanes": pictures.LANES,
        },
        "bars": pictures.day_bars(outcome.days),
        "day_ticks": pictures.day_ticks(outcome.days),
        "most_a_day": pictures.most_ballots(outcome.days),
        "curves": pictures.curves(outcome.observer.shown, scale),
        "line": pictures.rows_at_line(cut, contest.rules.cut.size, language) if cut else [],
        "width": pictures.WIDTH,
        "left": pictures.LEFT,
        "height": pictures.CHART_HEIGHT,
    }


def _duration(seconds: float, language: Language) -> str:
    unit = "minutes" if seconds >= MINUTES_FROM_SECONDS else "seconds"
    amount = seconds / 60 if unit == "minutes" else seconds
    written: str = getattr(load_text("rehearsal", f"durations.{unit}", amount=amount), language)
    return written


def _short_day(value: date, language: Language) -> str:
    written: str = format_skeleton("MMMd", value, locale=LOCALES[language])
    return written


def _attack_names(outcome: Outcome) -> Sequence[str]:
    kinds = outcome.figures.kinds
    names = (*ATTACKS, "second_ballots", *NOT_TAKEN)
    return [name for name in names if name in kinds]


def _attack(outcome: Outcome, name: str, language: Language) -> AttackRow:
    outcomes, states = outcome.figures.outcomes(name), outcome.attacks.get(name, {})
    cast, challenged = outcomes.get("cast", 0), outcomes.get("asked", 0)
    tried = sum(outcomes.values())
    return AttackRow(
        name=getattr(load_text("rehearsal", f"attacks.{name}"), language),
        tried=tried,
        refused=tried - cast - challenged,
        challenged=challenged,
        cast=cast,
        void=states.get("void", 0),
        counted=states.get("counted", 0),
    )


def _platforms(outcome: Outcome, language: Language) -> list[PlatformSignIns]:
    sign_ins = outcome.figures.sign_ins
    slugs = sorted({slug for slug, _ in sign_ins})
    names = {p.slug: p.name for p in outcome.platforms}
    return [
        PlatformSignIns(
            name=getattr(names[slug], language),
            accepted=sign_ins[slug, SIGNED_IN],
            refused=sum(
                count
                for (other, status), count in sign_ins.items()
                if other == slug and status != SIGNED_IN
            ),
        )
        for slug in slugs
    ]
