"""Laws: no altered token is good, and who is who does not depend on the way somebody came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contest_data import make_platform, unstored_contest
from tests.fakes.signers import (
    FakePlatform,
    P256Signer,
    base64url,
)
from voting_service.errors import TokenRefused
from voting_service.infrastructure.http_clients.json_web_tokens import open_token, peek_claim
from voting_service.infrastructure.http_clients.verification_keys import PinnedKeys
from voting_service.voting.voters import session_token
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.keyring import ContestKeys
from voting_service.voting.voters.platform_adapters.jwt import (
    ALGORITHMS,
    Claims,
    check_claims,
)
from voting_service.voting.voters.pseudonym import PSEUDONYM_BYTES, pseudonym
from voting_service.voting.voters.service import open_session

NOW = datetime(2022, 7, 18, 4, 0, tzinfo=UTC)
CLAIMS = msgspec.json.Decoder(Claims)
PAPER = make_platform("paper")
PLATFORMS = (FakePlatform("paper"), FakePlatform("paper", P256Signer()))
KEYS = [PinnedKeys([platform.signer.jwk()], ALGORITHMS, "keys") for platform in PLATFORMS]
TOKENS = [platform.token("craftsmen", "user-1", int(NOW.timestamp())) for platform in PLATFORMS]
CHARACTERS = st.sampled_from(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0é"
)


async def verify(which: int, token: str) -> Claims:
    claims = await open_token(
        token, CLAIMS, keys=KEYS[which], algorithms=ALGORITHMS, max_bytes=4096
    )
    check_claims(claims, PAPER, contest_slug="craftsmen", now=NOW)
    return claims


@st.composite
def altered_tokens(draw: st.DrawFn) -> tuple[int, str]:
    """A valid token with one to three characters replaced, added or taken away."""
    which = draw(st.integers(0, len(TOKENS) - 1))
    token = TOKENS[which]
    for _ in range(draw(st.integers(1, 3))):
        # From either end, so that the last characters, where base64 has spare bits, come often.
        at = draw(st.integers(0, len(token) - 1))
        at = draw(st.sampled_from([at, len(token) - 1 - at % 4]))
        new = draw(st.one_of(CHARACTERS, st.just("")))
        kept = draw(st.integers(0, 1))
        token = token[:at] + new + token[at + kept :]
    return which, token


@given(altered=altered_tokens())
@settings(max_examples=600, deadline=None)
async def test_no_altered_token_verifies(altered: tuple[int, str]) -> None:
    which, token = altered
    if token == TOKENS[which]:
        return
    with pytest.raises(TokenRefused):
        await verify(which, token)


async def test_the_unaltered_tokens_verify() -> None:
    assert [(await verify(which, token)).sub for which, token in enumerate(TOKENS)] == [
        "user-1"
    ] * len(TOKENS)


@given(
    header=st.one_of(st.binary(max_size=200), st.just(b'{"alg":"EdDSA"}')),
    payload=st.binary(max_size=400),
    signature=st.binary(max_size=70),
)
@settings(max_examples=500, deadline=None)
async def test_whatever_comes_is_refused_and_never_breaks_the_reader(
    header: bytes, payload: bytes, signature: bytes
) -> None:
    with pytest.raises(TokenRefused):
        await verify(0, ".".join(map(base64url, (header, payload, signature))))


@given(st.text(max_size=300))
@settings(max_examples=500, deadline=None)
async def test_any_text_is_refused_and_can_be_peeked_at(text: str) -> None:
    peek_claim(text, "aud")
    with pytest.raises(TokenRefused):
        await verify(0, text)


keys = st.binary(min_size=32, max_size=32)
platform_ids = st.integers(1, 32767)
subjects = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)
persons = st.binary(min_size=32, max_size=32)
identities = st.builds(Identity, platform_ids, subjects, st.none() | persons)


@given(key=keys, identity=identities, other=identities, person=persons)
def test_a_person_is_one_voter_over_all_platforms(
    key: bytes, identity: Identity, other: Identity, person: bytes
) -> None:
    voters = {pseudonym(key, item._replace(person=person)) for item in (identity, other)}
    assert len(voters) == 1


@given(key=keys, first=identities, other=identities)
def test_two_accounts_are_two_voters(key: bytes, first: Identity, other: Identity) -> None:
    def who(identity: Identity) -> object:
        person = identity.person
        return person if person is not None else (identity.platform_id, identity.subject)

    same = who(first) == who(other)
    assert (pseudonym(key, first) == pseudonym(key, other)) == same


@given(
    key=keys, platform_id=platform_ids, text=st.text("0123456789abcdef", min_size=32, max_size=32)
)
def test_an_account_is_never_taken_for_a_person_of_the_same_name(
    key: bytes, platform_id: int, text: str
) -> None:
    account = Identity(platform_id, text)
    assert pseudonym(key, account) != pseudonym(key, account._replace(person=text.encode()))


@given(first=keys, other=keys, identity=identities)
def test_a_voter_has_another_pseudonym_in_every_contest(
    first: bytes, other: bytes, identity: Identity
) -> None:
    voters = [pseudonym(key, identity) for key in (first, other)]
    assert (voters[0] == voters[1]) == (first == other)
    assert all(len(voter) == PSEUDONYM_BYTES for voter in voters)


@given(
    roots=st.tuples(keys, keys),
    identity=identities,
    contest_id=st.integers(1, 32767),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)
def test_a_session_names_the_voter_until_it_ends(
    roots: tuple[bytes, bytes], identity: Identity, contest_id: int, now: datetime
) -> None:
    contest_keys = ContestKeys.from_roots(*roots)
    open_contest = unstored_contest(contest_id)
    token, expires_at = open_session(contest_keys, open_contest, identity, now)
    opened = session_token.read(
        contest_keys.session,
        token.encode(),
        contest_id=contest_id,
        now_seconds=expires_at.timestamp() - 1,
    )
    assert contest_keys.pseudonym is not None
    assert opened.voter == pseudonym(contest_keys.pseudonym, identity)
    assert opened.platform_id == identity.platform_id
    assert expires_at.timestamp() == opened.expires
    assert opened.issued == int(now.timestamp())
    assert 3600 <= opened.lifetime <= session_token.SESSION_SECONDS
    last = open_contest.midnight_after(now) + timedelta(hours=1)
    assert expires_at <= last, "a session ends with its voting day"
    assert opened.lifetime == session_token.SESSION_SECONDS or last - expires_at < timedelta(
        seconds=2
    )
