"""The chosen go to the vote: their public texts and portraits become a contest's candidates.

What is approved is what was proposed, to the byte: the proposal carries the SHA-256 of the whole
contest file, which is the settings that two people read and a section for each of the chosen. The
contest is made in the transaction of the approval, or not at all.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from voting_service.accounts.model import Account
from voting_service.contests.contest_file import ContestFile, load_contest_file
from voting_service.contests.new_contest import ShownPicture, create_contest
from voting_service.contests.picture_encoding import PictureRefused, encode_picture, workers
from voting_service.contests.pictures import EncodedPicture
from voting_service.decisions.model import Decision, check_approver
from voting_service.decisions.store import (
    find_decision,
    load_selection_decisions,
    propose,
    record_approval,
)
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.office.disclosure import disclosures
from voting_service.office.model import Selection
from voting_service.office.picks.profiles import Profile, load_profiles, profile_faults
from voting_service.office.picks.store import CONTEST, QUERIES, hand_over_blocked, load_numbers
from voting_service.office.review.reading import Dossier, load_dossiers, load_file
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.constraint_errors import CONSTRAINT_ERRORS
from voting_service.storage.postgres import AnyConnection, domain_errors

MAX_SETTINGS_CHARACTERS = 10_000
_DAYS_UNTIL_OPEN, _DAYS_OPEN = 7, 30


class Candidacy(msgspec.Struct, frozen=True, kw_only=True):
    """One of the chosen, with all that becomes public."""

    number: int
    dossier: Dossier
    profile: Profile
    photo: bytes


async def load_candidacies(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection
) -> tuple[Candidacy, ...]:
    """By number. Raises Refused before the numbers are drawn."""
    numbers = await load_numbers(connection, selection)
    if not numbers or None in numbers.values():
        raise Refused("choose, and draw the numbers, first", zh="请先确定人选并抽定编号。")
    dossiers = {
        dossier.id: dossier
        for dossier in await load_dossiers(connection, keys, selection, list(numbers))
    }
    profiles = await load_profiles(connection, keys, selection, dossiers)
    found = []
    for recommendation, number in numbers.items():
        photo = await load_file(connection, keys, recommendation, "photo")
        found.append(
            Candidacy(
                number=number or 0,
                dossier=dossiers[recommendation],
                profile=profiles[recommendation],
                photo=photo.content,
            )
        )
    return tuple(sorted(found, key=lambda candidacy: candidacy.number))


def candidacy_faults(candidacies: tuple[Candidacy, ...]) -> tuple[Fault, ...]:
    """Whatever keeps them from becoming public, each with whose it is."""
    return tuple(
        Fault(
            f"recommendation {each.dossier.id}: {fault.field}",
            fault.message,
            f"推荐 {each.dossier.id}（{fault.field}）：{fault.zh}",
        )
        for each in candidacies
        for fault in profile_faults(each.profile, each.dossier, each.photo)
    )


def default_settings(selection: Selection, now: datetime) -> str:
    """A contest file without candidates, for the office to adapt: a month from next week on."""
    local = now.astimezone(selection.zone).replace(tzinfo=None)
    opens = datetime(local.year, local.month, local.day, 9) + timedelta(days=_DAYS_UNTIL_OPEN)
    closes = opens.replace(hour=18) + timedelta(days=_DAYS_OPEN)
    title, contact = selection.title, selection.rules.contact
    lines = [
        f"slug = {_quoted(selection.slug[:35] + '-vote')}",
        f"title = {{ zh = {_quoted(title.zh)}, en = {_quoted(title.en)} }}",
        f"time_zone = {_quoted(selection.rules.time_zone)}",
    ]
    if contact is not None:
        lines.append(f"contact = {{ zh = {_quoted(contact.zh)}, en = {_quoted(contact.en)} }}")
    lines += [
        "",
        "[window]",
        f"opens_at = {opens.isoformat()}",
        f"closes_at = {closes.isoformat()}",
        "",
        "[ballot]",
        "min_choices = 1",
        f"max_choices = {min(10, selection.rules.picks)}",
        'every = "day"',
        "",
        "[cut]",
        f"size = {selection.rules.cut}",
        'tie = "committee"',
        "",
    ]
    return "\n".join(lines)


def contest_text(settings: str, candidacies: tuple[Candidacy, ...]) -> str:
    """The whole contest file."""
    parts = [settings.strip()]
    for each in candidacies:
        texts = {
            field: f"{{ zh = {_quoted(text.zh)}, en = {_quoted(text.en)} }}"
            for field, text in (
                ("name", each.profile.name),
                ("trade", each.profile.trade),
                ("district", each.profile.district),
                ("summary", each.profile.summary),
                ("story", each.profile.story),
            )
        }
        lines = [f"{field} = {text}" for field, text in texts.items()]
        parts.append("\n".join(["[[candidates]]", f"number = {each.number}", *lines]))
    return "\n\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON escapes alike, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_contest(
    selection: Selection, settings: str, candidacies: tuple[Candidacy, ...]
) -> tuple[ContestFile, str]:
    """The checked contest, and the SHA-256 of its file. Raises InvalidInput with every fault."""
    if len(settings) > MAX_SETTINGS_CHARACTERS or _names_candidates(settings):
        raise InvalidInput(
            Fault(
                "settings",
                f"give the settings alone, at most {MAX_SETTINGS_CHARACTERS} characters: the "
                "candidates follow from the choice",
                "只需填写投票规则，不含候选人：候选人由系统写入。",
            )
        )
    text = contest_text(settings, candidacies)
    contest = load_contest_file(text)
    numbers = [candidate.number for candidate in contest.candidates]
    if numbers != [each.number for each in candidacies]:
        raise Refused("the contest's candidates are not those who were chosen")
    if contest.rules.cut.size != selection.rules.cut:
        raise InvalidInput(
            Fault(
                "cut.size",
                f"must be {selection.rules.cut}, as was announced for this selection",
                f"进入专家评审的人数须为公布的 {selection.rules.cut} 人。",
            )
        )
    return contest, sha256(text.encode()).hexdigest()


def _names_candidates(settings: str) -> bool:
    """Whether they hold candidates, however that is spelled; what is no TOML is told later."""
    try:
        return "candidates" in tomllib.loads(settings)
    except tomllib.TOMLDecodeError:
        return False


async def propose_hand_over(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    account: Account,
    *,
    settings: str,
    now: datetime,
) -> int:
    """The decision's id. Raises InvalidInput with everything that must not become public or is
    no contest; whether the notice period is over is asked at the approval."""
    candidacies = await load_candidacies(connection, keys, selection)
    await _refuse_faults(candidacies)
    contest, digest = read_contest(selection, settings, candidacies)
    payload = {"contest": contest.slug, "settings": settings, "file_sha256": digest}
    return await propose(
        connection, selection, account, kind="hand_over", subject=CONTEST, payload=payload, now=now
    )


async def approve_hand_over(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    account: Account,
    decision_id: int,
    *,
    master_key: bytes,
    now: datetime,
) -> int:
    """The second person's word: the contest is made, its id returned.

    Raises SecondPersonRequired, Refused while a notice period runs or an objection is open, or
    when something changed since the proposal, InvalidInput for what must not become public.
    """
    decision = await _proposal(connection, selection, decision_id)
    check_approver(decision, account)
    blocked = await hand_over_blocked(connection, selection)
    if blocked is not None:
        # What the database would say, before the long work and not after it.
        refusal = CONSTRAINT_ERRORS[f"hand_over_{blocked}"]
        raise Refused(*refusal.args, zh=refusal.zh)
    candidacies = await load_candidacies(connection, keys, selection)
    _approved_contest(selection, decision, candidacies)
    await _refuse_faults(candidacies)
    portraits = await encode_portraits(candidacies)
    with domain_errors():
        async with connection.transaction():
            await record_approval(connection, selection, decision, account, now)
            # The same as above, or it is refused: what was looked through is what is made.
            candidacies = await load_candidacies(connection, keys, selection)
            contest = _approved_contest(selection, decision, candidacies)
            shown = [
                ShownPicture(each.number, portraits[sha256(each.photo).digest()])
                for each in candidacies
            ]
            contest_id = await create_contest(connection, master_key, contest, shown)
            await connection.execute(QUERIES["set_contest"], selection.id, contest_id)
            await record(
                connection, account.name, "handed_over", contest=selection.slug,
                subject=f"contest {contest.slug}",
                details={"candidates": len(candidacies), "decision": decision.id},
            )  # fmt: skip
    return contest_id


async def _refuse_faults(candidacies: tuple[Candidacy, ...]) -> None:
    """In a thread: looking through fifty stories takes seconds."""
    faults = await asyncio.to_thread(candidacy_faults, candidacies)
    if faults:
        raise InvalidInput(*faults)


def _approved_contest(
    selection: Selection, decision: Decision, candidacies: tuple[Candidacy, ...]
) -> ContestFile:
    """Raises Refused unless these make, to the byte, the contest file that was proposed."""
    contest, digest = read_contest(selection, decision.payload["settings"], candidacies)
    if digest != decision.payload["file_sha256"]:
        raise Refused(
            "something that becomes public changed since this was proposed; decline it, "
            "read it over and propose anew",
            zh="提议之后公开资料又有改动。请否决该提议，核对后重新提议。",
        )
    return contest


async def _proposal(connection: AnyConnection, selection: Selection, decision_id: int) -> Decision:
    decision = find_decision(await load_selection_decisions(connection, selection.id), decision_id)
    if decision.kind != "hand_over":
        raise NotFound(f"decision {decision_id} is no hand-over", zh="这不是移交的提议。")
    return decision


async def encode_portraits(
    candidacies: tuple[Candidacy, ...],
) -> Mapping[bytes, EncodedPicture]:
    """Every portrait in every size, by the SHA-256 of the photo: bare pixels, in processes of
    their own. Raises InvalidInput naming whose photo cannot be shown, or carries more than it
    shows once encoded."""
    photos = {sha256(each.photo).digest(): each for each in candidacies}
    loop = asyncio.get_running_loop()
    encoded: dict[bytes, EncodedPicture] = {}
    faults: list[Fault] = []
    with workers() as pool:
        turns = {
            digest: loop.run_in_executor(pool, encode_picture, each.photo, "photo.jpg", "portrait")
            for digest, each in photos.items()
        }
        for digest, turn in turns.items():
            field = f"recommendation {photos[digest].dossier.id}: photo"
            try:
                encoded[digest] = await turn
            except PictureRefused as refused:
                faults.append(Fault(field, str(refused), refused.zh))
            except BrokenProcessPool:
                faults.append(Fault(field, "cannot be decoded", "照片无法读取。"))
            else:
                files = {
                    f"{field} ({file.width} {file.format})": file.data
                    for file in encoded[digest].files
                }
                faults.extend(disclosures({}, files))
    if faults:
        raise InvalidInput(*faults)
    return encoded
