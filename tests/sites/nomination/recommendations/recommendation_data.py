"""Recommendations of people who do not exist, ready to be submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from tests.nomination.files.pdf_files import pdf
from tests.nomination.form.people import complete_form, id_number
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, acting
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import RecommendingBody
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.form_encryption import encrypt_form
from voting_service.nomination.recommendations.model import File, Recommendation
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_recommendations,
)
from voting_service.nomination.recommendations.service import (
    attach_file,
    create_draft,
    submit,
)
from voting_service.staff.accounts.model import Account

PHOTO = jpeg(500, 700)
EVIDENCE = pdf(10)
STAMPED = pdf(1)
EVIDENCE_FILE = File("application/pdf", 10, sha256(EVIDENCE).digest(), EVIDENCE)
STAMPED_FILE = File("application/pdf", 1, sha256(STAMPED).digest(), STAMPED)
PHOTO_FILE = File("image/jpeg", 1, sha256(PHOTO).digest(), PHOTO)
CHINESE_DIGITS = str.maketrans("0123456789", "〇一二三四五六七八九")


def person(number: int) -> RecommendationForm:
    """A complete form of one of 500 people (1 to 500), each with an ID number of their own."""
    assert 1 <= number <= 500
    name = "人选" + str(number).translate(CHINESE_DIGITS)
    return complete_form(name=name, id_number=id_number(serial=2 * number - 1))


async def drafted(
    connection: AnyConnection,
    keys: PersonalKeys,
    chosen: Chosen,
    *,
    body: RecommendingBody,
    officer: Account,
    form: RecommendationForm,
) -> Recommendation:
    """A draft with nothing missing."""
    actor = acting(officer, chosen.selection, keys, connection)
    number = await create_draft(actor, body, form)
    await attach_file(actor, number, "photo", PHOTO_FILE)
    await attach_file(actor, number, "evidence", EVIDENCE_FILE)
    await attach_file(actor, number, "employer_scan", STAMPED_FILE)
    await attach_file(actor, number, "body_scan", STAMPED_FILE)
    return await load_recommendation(connection, keys, chosen.selection, number)


async def submitted(
    connection: AnyConnection,
    keys: PersonalKeys,
    chosen: Chosen,
    *,
    body: RecommendingBody,
    officer: Account,
    form: RecommendationForm,
) -> Recommendation:
    """Drafted and submitted."""
    result = await drafted(connection, keys, chosen, body=body, officer=officer, form=form)
    await submit(acting(officer, chosen.selection, keys, connection), result)
    return await load_recommendation(connection, keys, chosen.selection, result.id)


async def many_drafts(
    connection: AnyConnection,
    keys: PersonalKeys,
    chosen: Chosen,
    *,
    officers: Mapping[RecommendingBody, Account],
    forms: Sequence[RecommendationForm],
) -> list[tuple[Recommendation, Account]]:
    """A complete draft of each form for each body, in a few statements; their files cannot be
    opened."""
    selection = chosen.selection
    made: dict[int, Account] = {}
    for body, officer in officers.items():
        rows = await connection.fetch(
            """
            insert into nomination.recommendations
                (selection_id, body_id, form, created_by, saved_by)
            select $1, $2, form, $3, $3 from unnest($4::bytea[]) as form
            returning id
            """,
            selection.id,
            body.id,
            officer.id,
            [encrypt_form(keys, body.id, selection.slug, form) for form in forms],
        )
        made.update((row["id"], officer) for row in rows)
    await connection.execute(
        """
        insert into nomination.files
            (recommendation_id, slot, sha256, media_type, pages, content, added_by)
        select r.id, slot, $2, $3, 10, $2, r.created_by
          from nomination.recommendations r
         cross join unnest(array['photo', 'evidence', 'employer_scan', 'body_scan']) as slot
         where r.id = any($1::integer[])
        """,
        list(made),
        EVIDENCE_FILE.sha256,
        EVIDENCE_FILE.media_type,
    )
    recommendations = await load_recommendations(connection, keys, selection)
    return [(item, made[item.id]) for item in recommendations if item.id in made]


async def drafted_in_north(
    staff_app: StaffApp,
    keys: PersonalKeys,
    chosen: Chosen,
    officer: Account,
    form: RecommendationForm,
) -> Recommendation:
    """A draft of the northern district with nothing missing."""
    body = chosen.bodies["north"]
    return await drafted(staff_app.database, keys, chosen, body=body, officer=officer, form=form)
