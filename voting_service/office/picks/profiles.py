"""What becomes public of those who were chosen, and whether it may.

A profile is sealed until the hand-over. A draft of it comes from the form; somebody reads it over,
translates it, and takes out what is nobody's business.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import msgspec

from voting_service.accounts.model import Account
from voting_service.contests.file_schema import (
    LINE_CHARACTERS,
    STORY_CHARACTERS,
    SUMMARY_CHARACTERS,
    count_characters,
    readable_fault,
)
from voting_service.contests.model import Text
from voting_service.errors import Fault, Refused
from voting_service.journal.record import record
from voting_service.office.disclosure import disclosures
from voting_service.office.model import Selection
from voting_service.office.picks.store import QUERIES
from voting_service.office.recommendations.model import subject_of
from voting_service.office.review.reading import Dossier
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors

LIMITS: Mapping[str, int] = {
    "name": LINE_CHARACTERS,
    "trade": LINE_CHARACTERS,
    "district": LINE_CHARACTERS,
    "summary": SUMMARY_CHARACTERS,
    "story": STORY_CHARACTERS,
}
SEVERAL_LINES = frozenset({"summary", "story"})


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a candidate, in both languages; `revision` 0 was never saved. `faults_left` is
    how many there were when it was: looking through fifty stories takes seconds."""

    name: Text
    trade: Text
    district: Text
    summary: Text
    story: Text
    revision: int = 0
    faults_left: int = 0

    def texts(self) -> dict[str, str]:
        """By field and language, as forms and faults name them: `story.zh`."""
        return {
            f"{field}.{language}": getattr(getattr(self, field), language)
            for field in LIMITS
            for language in ("zh", "en")
        }


def profile_of(fields: Mapping[str, str], revision: int) -> Profile:
    """From the fields of a form."""

    def text(field: str) -> Text:
        return Text(*(fields.get(f"{field}.{language}", "").strip() for language in ("zh", "en")))

    return Profile(
        name=text("name"),
        trade=text("trade"),
        district=text("district"),
        summary=text("summary"),
        story=text("story"),
        revision=revision,
    )


def draft_profile(dossier: Dossier) -> Profile:
    """What the form says, in its own language; the English is somebody's to write."""
    form = dossier.form
    return Profile(
        name=Text(form.name, form.name),
        trade=Text(form.trade, form.trade),
        district=dossier.body.name,
        summary=Text(beginning(form.skills), ""),
        story=Text(form.deeds, ""),
    )


def beginning(text: str) -> str:
    """As much as a summary holds, up to the end of a sentence where there is one."""
    fits = bisect_right(
        range(len(text) + 1), SUMMARY_CHARACTERS, key=lambda end: count_characters(text[:end])
    )
    kept = text[: fits - 1]
    if kept != text:
        end = max(kept.rfind(mark) for mark in "。！？；\n")
        kept = kept[: end + 1] or kept
    return kept.strip()


def profile_faults(
    profile: Profile, dossier: Dossier, photo: bytes | None = None
) -> tuple[Fault, ...]:
    """Whatever keeps a profile from becoming public: empty or too long texts, and disclosures."""
    texts = profile.texts()
    found = []
    for path, text in texts.items():
        field = path.partition(".")[0]
        wrong = readable_fault(text, limit=LIMITS[field], line_breaks=field in SEVERAL_LINES)
        if wrong is not None:
            found.append(Fault(path, wrong, _in_chinese(text, LIMITS[field])))
    pictures = {} if photo is None else {"photo": photo}
    return (*found, *disclosures(texts, pictures, dossier.form))


def _in_chinese(text: str, limit: int) -> str:
    count = count_characters(text)
    if count == 0:
        return "请填写。"
    return f"有 {count} 个字，最多 {limit} 个字。" if count > limit else "含有不能显示的控制字符。"


async def load_profiles(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    dossiers: Mapping[int, Dossier],
) -> dict[int, Profile]:
    """By recommendation: what was saved, else the draft."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["profiles"], selection.id, None)
    saved = {}
    for row in rows:
        number = row["recommendation_id"]
        if number in dossiers:
            opened = keys.open(_label(number), row["content"])
            profile = msgspec.json.decode(opened, type=Profile)
            saved[number] = msgspec.structs.replace(profile, revision=row["revision"])
    return {
        number: saved.get(number) or draft_profile(dossier) for number, dossier in dossiers.items()
    }


async def save_profile(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation_id: int,
    *,
    profile: Profile,
    account: Account,
) -> None:
    """Raises Refused when somebody else saved since it was loaded."""
    if selection.contest_id is not None:
        raise Refused(
            "the chosen were handed over; what is public stays", zh="已移交公众投票，不能再修改。"
        )
    sealed = keys.seal(_label(recommendation_id), msgspec.json.encode(profile))
    query = "change_profile" if profile.revision else "save_profile"
    with domain_errors():
        async with connection.transaction():
            revision = await connection.fetchval(
                QUERIES[query], recommendation_id, sealed, account.id, profile.revision
            )
            if revision is None:
                raise Refused(
                    "somebody else saved this meanwhile; load the page anew",
                    zh="另一位同事刚刚保存了这份资料，请刷新页面后再改。",
                )
            await record(
                connection, account.name, "profile_saved", contest=selection.slug,
                subject=subject_of(recommendation_id), details={"revision": revision},
            )  # fmt: skip


def _label(recommendation_id: int) -> str:
    return f"profile of recommendation {recommendation_id}"
