"""A person is one voter on all platforms that name persons, and an account never is two."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any

import httpx
import pytest

from loadtests.identity import PersonRun, PressPlatform
from tests.contest_data import SLUG, store_platform
from tests.fakes.signers import FakePlatform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from tests.sites.public.api.running_service import (
    OTHER_SLUG,
    Service,
    check_problem,
    running_service,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.settings import Settings
from voting_service.voting.voters.keyring import destroy_voter_key

ZHANG, LI = (sha256(name).hexdigest() for name in (b"Zhang", b"Li"))


class Press:
    """Two platforms that name the person in every token, beside those of the service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.platforms = {slug: FakePlatform(slug) for slug in ("paper", "radio")}

    async def register(self) -> None:
        for slug, platform in self.platforms.items():
            keys = [platform.signer.jwk()]
            await store_platform(self.service.database, slug, keys, person_policy="required")
        await self.service.refresh()

    async def sign_in(
        self, subject: str, person: str | None = ZHANG, *, slug: str = "paper", contest: str = SLUG
    ) -> httpx.Response:
        claims: dict[str, Any] = {} if person is None else {"person": person}
        platform, now = self.platforms[slug], self.service.now_seconds()
        return await self.service.sign_in(platform.token(contest, subject, now, **claims), slug)

    async def session(self, subject: str, person: str = ZHANG, *, slug: str = "paper") -> str:
        answer = await self.sign_in(subject, person, slug=slug)
        assert answer.status_code == 201, answer.text
        session: str = answer.json()["session"]
        return session

    async def bound_accounts(self) -> int:
        owner = await connect(self.service.settings.owner_database_url or "")
        try:
            count: int = await owner.fetchval("select count(*) from voter_accounts")
        finally:
            await owner.close()
        return count


@pytest.fixture
async def press(service: Service) -> Press:
    platforms = Press(service)
    await platforms.register()
    return platforms


async def test_a_person_is_one_voter_over_two_platforms_and_all_accounts(press: Press) -> None:
    sessions = [
        await press.session("zhang"),
        await press.session("zhang-s-other-account", ZHANG.upper()),
        await press.session("z-9", slug="radio"),
    ]
    answers = [await press.service.cast(session, [1, 2]) for session in sessions]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.content for answer in answers}) == 1
    assert (await press.service.cast(await press.session("li", LI), [1])).status_code == 201
    assert await press.service.stored_ballots() == 2


async def test_an_account_stays_with_its_first_person(press: Press) -> None:
    await press.session("zhang")
    refused = check_problem(await press.sign_in("zhang", LI), 401)
    assert refused["detail"].startswith("person: this account already belongs to another person")
    # Whatever key the platform signs with later, and with an empty Valkey.
    new = press.platforms["paper"] = FakePlatform("paper")
    owner = await connect(press.service.settings.owner_database_url or "")
    await owner.execute(
        "update platforms set config = $1, revision = revision + 1 where slug = 'paper'",
        {"keys": [new.signer.jwk()]},
    )
    await owner.close()
    await press.service.state.valkey.command("FLUSHALL")
    await press.service.refresh()
    check_problem(await press.sign_in("zhang", LI), 401)
    assert (await press.sign_in("zhang")).status_code == 201
    # The same name on another platform is another account, and in another contest too.
    await press.session("zhang", LI, slug="radio")
    assert (await press.sign_in("zhang", LI, contest=OTHER_SLUG)).status_code == 201


async def test_of_many_persons_at_once_an_account_signs_in_as_one(press: Press) -> None:
    persons = [sha256(b"%d" % number).hexdigest() for number in range(12)]
    answers = await asyncio.gather(*(press.sign_in("zhang", person) for person in persons))
    accepted = [
        person for person, answer in zip(persons, answers, strict=True) if answer.status_code == 201
    ]
    assert len(accepted) == 1
    assert {answer.status_code for answer in answers} == {201, 401}
    await press.session("zhang", accepted[0])


async def test_a_platform_without_persons_uses_up_nobody_s_vote(press: Press) -> None:
    service = press.service
    check_problem(await service.sign_in(service.token("reader-1", person=ZHANG)), 401)
    check_problem(await press.sign_in("zhang", None), 401)
    assert (await service.cast(await service.open_session(ZHANG), [1])).status_code == 201
    assert (await service.cast(await press.session(ZHANG), [1])).status_code == 201
    assert await service.stored_ballots() == 2
    assert await press.bound_accounts() == 1, "an account without a person is a voter by itself"


async def test_destroying_the_voter_key_forgets_the_accounts(press: Press) -> None:
    await press.session("zhang")
    assert (await press.sign_in("zhang", LI, contest=OTHER_SLUG)).status_code == 201
    assert await press.bound_accounts() == 2
    await destroy_voter_key(press.service.database, press.service.contest.id)
    assert await press.bound_accounts() == 1, "the other contest's stays"


async def test_without_postgres_nobody_signs_in_as_a_person(
    settings: Settings, record_wire: TcpProxy
) -> None:
    """And the refused token is good for the next try, once."""
    wired = settings.model_copy(update={"database_url": record_wire.url})
    async with running_service(wired) as service:
        press = Press(service)
        await press.register()
        await record_wire.refuse()
        token = press.platforms["paper"].token(SLUG, "zhang", service.now_seconds(), person=ZHANG)
        answer = await service.sign_in(token, "paper")
        check_problem(answer, 503)
        assert answer.headers["retry-after"]
        assert (await service.sign_in(service.token())).status_code == 201
        await record_wire.listen()
        assert (await service.sign_in(token, "paper")).status_code == 201
        check_problem(await service.sign_in(token, "paper"), 401)


async def test_a_person_in_every_spelling_at_three_platforms_is_one_ballot(
    service: Service,
) -> None:
    """A small run of `python -m loadtests.identity`."""
    platforms = [PressPlatform(slug) for slug in ("paper", "radio", "television")]
    owner = await connect(service.settings.owner_database_url or "")
    try:
        for platform in platforms:
            await platform.register(owner)
        await service.refresh()
        person = PersonRun(service.client, platforms, contest=SLUG, seed=1)
        await person.run(owner, tries=160, rotations=2)
    finally:
        await owner.close()
    assert person.faults == {}
    assert person.answers["ballot 201"] == 1
    assert person.answers["sign-in 401"] > 40
    assert await service.stored_ballots() == 1
