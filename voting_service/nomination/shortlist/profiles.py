"""The public profiles of the shortlist, and what keeps one from becoming public.

A profile is encrypted until it is published to the contest. Its first draft comes from the form;
a reviewer edits it, translates it and removes personal data.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import msgspec

from voting_service.contests.model import (
    LINE_CHARACTERS,
    STORY_CHARACTERS,
    SUMMARY_CHARACTERS,
    count_characters,
    find_text_fault,
    paragraph_limit,
)
from voting_service.errors import Fault, Refused
from voting_service.i18n.text import Text, in_both
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import audit_subject
from voting_service.nomination.review.repository import SubmittedRecommendation
from voting_service.nomination.shortlist.repository import QUERIES

LIMITS: Mapping[str, int] = {
    "name": LINE_CHARACTERS,
    "trade": LINE_CHARACTERS,
    "district": LINE_CHARACTERS,
    "employer": LINE_CHARACTERS,
    "skill_grade": LINE_CHARACTERS,
    "summary": SUMMARY_CHARACTERS,
    "story": STORY_CHARACTERS,
}
"""The most characters of each field in Chinese."""
OPTIONAL_FIELDS = frozenset({"employer", "skill_grade"})
"""Fields that may be empty, in both languages."""
MULTILINE_FIELDS = frozenset({"summary", "story"})


def text_limit(field: str, language: str) -> int:
    """Return the most characters of a field in a language."""
    limit = LIMITS[field]
    return paragraph_limit(limit, language) if field in MULTILINE_FIELDS else limit


_SENTENCE_ENDS = "\u3002\uff01\uff1f\uff1b\n"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a candidate; the English of each may be empty. `revision` 0 was never saved.
    `faults_left` is the number of faults when it was saved: checking fifty profiles takes
    seconds."""

    name: Text
    trade: Text
    district: Text
    employer: Text = Text("", "")
    skill_grade: Text = Text("", "")
    summary: Text
    story: Text
    revision: int = 0
    faults_left: int = 0

    def texts(self) -> dict[str, str]:
        """Return the texts by field and language, as forms and faults name them: `story.zh`."""
        return {
            f"{field}.{language}": getattr(getattr(self, field), language)
            for field in LIMITS
            for language in ("zh", "en")
        }

    def public_texts(self) -> dict[str, Text]:
        """Return the texts by field, the Chinese for both languages where there is no English, and
        without optional ones that are left empty."""
        typed = {field: getattr(self, field) for field in LIMITS}
        shown = {field: in_both(text.zh, text.en) for field, text in typed.items()}
        return {
            field: text
            for field, text in shown.items()
            if field not in OPTIONAL_FIELDS or text.zh or text.en
        }


def read_profile(fields: Mapping[str, str], revision: int) -> Profile:
    """Return the profile that a form's fields hold."""

    def text(field: str) -> Text:
        return Text(*(fields.get(f"{field}.{language}", "").strip() for language in ("zh", "en")))

    return Profile(
        name=text("name"),
        trade=text("trade"),
        district=text("district"),
        employer=text("employer"),
        skill_grade=text("skill_grade"),
        summary=text("summary"),
        story=text("story"),
        revision=revision,
    )


def draft_profile(submitted: SubmittedRecommendation) -> Profile:
    """Return a first draft in the language of the form."""
    form = submitted.form
    return Profile(
        name=Text(form.name, ""),
        trade=Text(form.trade, ""),
        district=submitted.body.name,
        employer=Text(form.employer, ""),
        skill_grade=Text(form.skill_grade, ""),
        summary=Text(first_sentences(form.skills), ""),
        story=Text(form.deeds, ""),
    )


def first_sentences(text: str) -> str:
    """Return as much of a text as fits a summary, up to the end of a sentence if there is one."""
    fits = bisect_right(
        range(len(text) + 1), SUMMARY_CHARACTERS, key=lambda end: count_characters(text[:end])
    )
    kept = text[: fits - 1]
    if kept != text:
        end = max(kept.rfind(mark) for mark in _SENTENCE_ENDS)
        kept = kept[: end + 1] or kept
    return kept.strip()


def profile_faults(
    profile: Profile, submitted: SubmittedRecommendation, photo: bytes | None = None
) -> tuple[Fault, ...]:
    """Return what keeps a profile from becoming public: missing Chinese, texts that are too long,
    and personal data."""
    texts, public = profile.texts(), profile.public_texts()
    faults = []
    for path, text in texts.items():
        field, _, language = path.partition(".")
        limit = text_limit(field, language)
        if field not in public or (language == "en" and not text):
            continue
        if (
            find_text_fault(path, text, limit=limit, line_breaks=field in MULTILINE_FIELDS)
            is not None
        ):
            faults.append(_text_fault(path, text, limit))
    pictures = {} if photo is None else {"photo": photo}
    return (*faults, *disclosures(texts, pictures, submitted.form))


def _text_fault(path: str, text: str, limit: int) -> Fault:
    count = count_characters(text)
    if count == 0:
        return Fault(path, "nomination.shortlist.profile_text_empty")
    if count > limit:
        return Fault(path, "nomination.shortlist.profile_text_too_long", count=count, limit=limit)
    return Fault(path, "nomination.shortlist.profile_text_unprintable")


async def load_profiles(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    all_submitted: Mapping[int, SubmittedRecommendation],
) -> dict[int, Profile]:
    """Load the saved profiles by recommendation; a draft where none was saved."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["profiles"], selection.id, None)
    saved = {}
    for row in rows:
        recommendation_id = row["recommendation_id"]
        if recommendation_id in all_submitted:
            content = keys.decrypt(_label(recommendation_id), row["content"])
            profile = msgspec.json.decode(content, type=Profile)
            saved[recommendation_id] = msgspec.structs.replace(profile, revision=row["revision"])
    return {
        recommendation_id: saved.get(recommendation_id) or draft_profile(submitted)
        for recommendation_id, submitted in all_submitted.items()
    }


async def save_profile(actor: SelectionActor, recommendation_id: int, profile: Profile) -> None:
    """Store a profile. Raises Refused once it is public, or when somebody else saved since
    `profile.revision` was loaded."""
    if actor.selection.contest_id is not None:
        raise Refused("nomination.shortlist.profiles_are_public")
    encrypted = actor.keys.encrypt(_label(recommendation_id), msgspec.json.encode(profile))
    query = "change_profile" if profile.revision else "save_profile"
    with domain_errors():
        async with actor.connection.transaction():
            revision = await actor.connection.fetchval(
                QUERIES[query], recommendation_id, encrypted, actor.account.id, profile.revision
            )
            if revision is None:
                raise Refused("nomination.shortlist.profile_changed_elsewhere")
            await actor.record("profile_saved", audit_subject(recommendation_id), revision=revision)


def _label(recommendation_id: int) -> str:
    return f"profile of recommendation {recommendation_id}"
