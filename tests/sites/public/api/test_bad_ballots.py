"""① under hostile hands: bodies that are no ballot."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from tests.sites.public.api.running_service import (
    BALLOTS,
    SESSIONS,
    Service,
    check_problem,
)
from voting_service.voting.ballots.parse import MAX_BODY_BYTES

JSON = {"content-type": "application/json"}

# What cannot be read as JSON at all: 400.
UNREADABLE = {
    "empty": b"",
    "blank": b" \n\t",
    "truncated after the key": b'{"choices":',
    "truncated in the list": b'{"choices":[1,',
    "truncated in a key": b'{"choi',
    "only an opening brace": b"{",
    "only a closing brace": b"}",
    "trailing comma in the object": b'{"choices":[1],}',
    "trailing comma in the list": b'{"choices":[1,]}',
    "missing comma": b'{"choices":[1 2]}',
    "missing colon": b'{"choices" [1]}',
    "single quotes": b"{'choices':[1]}",
    "bare key": b"{choices:[1]}",
    "comment": b'{"choices":[1]/* mine */}',
    "line comment": b'{"choices":[1]}//',
    "two documents": b'{"choices":[1]}{"choices":[2]}',
    "trailing garbage": b'{"choices":[1]}x',
    "trailing NUL": b'{"choices":[1]}\x00',
    "leading NUL": b'\x00{"choices":[1]}',
    "NUL in a key": b'{"cho\x00ices":[1]}',
    "NUL in the list": b'{"choices":[1\x00]}',
    "byte order mark": b'\xef\xbb\xbf{"choices":[1]}',
    "UTF-16": '{"choices":[1]}'.encode("utf-16"),
    "UTF-16 without a mark": '{"choices":[1]}'.encode("utf-16-le"),
    "UTF-32": '{"choices":[1]}'.encode("utf-32"),
    "invalid UTF-8 in a key": b'{"choices":[1],"\xff\xfe":1}',
    "invalid UTF-8 in a value": b'{"choices":[1],"challenge":"\xc3\x28"}',
    "overlong UTF-8": b'{"choices":[1],"challenge":"\xc0\xaf"}',
    "encoded surrogate": b'{"choices":[1],"challenge":"\xed\xa0\x80"}',
    "lone high surrogate, escaped": b'{"choices":[1],"challenge":"\\ud800"}',
    "lone low surrogate, escaped": b'{"choices":[1],"challenge":"\\udc00"}',
    "surrogates the wrong way round": b'{"choices":[1],"challenge":"\\udc00\\ud800"}',
    "lone surrogate in a key": b'{"choices":[1],"\\ud800":1}',
    "half an escape": b'{"choices":[1],"challenge":"\\u12"}',
    "unknown escape": b'{"choices":[1],"challenge":"\\x41"}',
    "control character in a text": b'{"choices":[1],"challenge":"\x01"}',
    "newline in a text": b'{"choices":[1],"challenge":"a\nb"}',
    "text without an end": b'{"choices":[1],"challenge":"a}',
    "NaN": b'{"choices":[NaN]}',
    "Infinity": b'{"choices":[Infinity]}',
    "minus Infinity": b'{"choices":[-Infinity]}',
    "leading zero": b'{"choices":[01]}',
    "plus sign": b'{"choices":[+1]}',
    "hexadecimal": b'{"choices":[0x1]}',
    "underscore in a number": b'{"choices":[1_0]}',
    "point without digits": b'{"choices":[1.]}',
    "exponent without digits": b'{"choices":[1e]}',
    "full-width digit": '{"choices":[１]}'.encode(),
    "Python's True": b'{"choices":[True]}',
    "undefined": b'{"choices":undefined}',
    "form": b"choices=1&choices=2",
    "XML": b"<choices><n>1</n></choices>",
    "msgpack": b"\x81\xa7choices\x91\x01",
    "gzip without saying so": gzip.compress(b'{"choices":[1]}'),
}

# What is JSON but no ballot: 422 that names the field.
INVALID = {
    "null": (b"null", ""),
    "true": (b"true", ""),
    "a number": (b"1", ""),
    "a text": (b'"choices"', ""),
    "a list": (b"[1]", ""),
    "an empty list": (b"[]", ""),
    "a list of ballots": (b'[{"choices":[1]}]', ""),
    "an empty object": (b"{}", "choices"),
    "only a challenge": (b'{"challenge":"x"}', "choices"),
    "another case": (b'{"Choices":[1]}', "Choices"),
    "another name": (b'{"choice":[1]}', "choice"),
    "a name with a blank": (b'{"choices ":[1]}', "choices "),
    "unknown key": (b'{"choices":[1],"weight":100}', "weight"),
    "unknown empty key": (b'{"choices":[1],"":1}', ""),
    "unknown key first": (b'{"voter":"me","choices":[1]}', "voter"),
    "unknown key with a fault of its own": (b'{"choices":[1],"a` - at `$.b":1}', "a` - at `$.b"),
    "unknown key with NUL": (b'{"choices":[1],"a\\u0000b":1}', "ab"),
    "prototype": (b'{"choices":[1],"__proto__":{}}', "__proto__"),
    "someone else's voter": (b'{"choices":[1],"voter":"00"}', "voter"),
    "a period of one's own": (b'{"choices":[1],"period":"2022-07-19"}', "period"),
    "choices null": (b'{"choices":null}', "choices"),
    "choices true": (b'{"choices":true}', "choices"),
    "choices a number": (b'{"choices":1}', "choices"),
    "choices a text": (b'{"choices":"1,2"}', "choices"),
    "choices an object": (b'{"choices":{"0":1}}', "choices"),
    "choices empty": (b'{"choices":[]}', "choices"),
    "choice null": (b'{"choices":[null]}', "choices[0]"),
    "choice true": (b'{"choices":[true]}', "choices[0]"),
    "choice false": (b'{"choices":[false]}', "choices[0]"),
    "choice a text": (b'{"choices":["1"]}', "choices[0]"),
    "choice an empty text": (b'{"choices":[""]}', "choices[0]"),
    "choice a list": (b'{"choices":[[1]]}', "choices[0]"),
    "choice an object": (b'{"choices":[{"number":1}]}', "choices[0]"),
    "second choice a text": (b'{"choices":[1,"2"]}', "choices[1]"),
    "third choice true": (b'{"choices":[1,2,true]}', "choices[2]"),
    "choice 1.0": (b'{"choices":[1.0]}', "choices[0]"),
    "choice 1.5": (b'{"choices":[1.5]}', "choices[0]"),
    "choice 1e0": (b'{"choices":[1e0]}', "choices[0]"),
    "choice minus zero point zero": (b'{"choices":[-0.0]}', "choices[0]"),
    "choice 1e400": (b'{"choices":[1e400]}', "choices[0]"),
    "choice 1e-400": (b'{"choices":[1e-400]}', "choices[0]"),
    "choice 1E999999999": (b'{"choices":[1E999999999]}', "choices[0]"),
    "choice 0": (b'{"choices":[0]}', "choices[0]"),
    "choice minus zero": (b'{"choices":[-0]}', "choices[0]"),
    "choice negative": (b'{"choices":[-1]}', "choices[0]"),
    "choice unknown": (b'{"choices":[6]}', "choices[0]"),
    "choice unknown in the middle": (b'{"choices":[1,99,2]}', "choices[1]"),
    "choice 2**15": (b'{"choices":[32768]}', "choices[0]"),
    "choice 2**16 + 1": (b'{"choices":[65537]}', "choices[0]"),
    "choice 2**31": (b'{"choices":[2147483648]}', "choices[0]"),
    "choice 2**32 + 1": (b'{"choices":[4294967297]}', "choices[0]"),
    "choice 2**63": (b'{"choices":[9223372036854775808]}', "choices[0]"),
    "choice 2**64 + 1": (b'{"choices":[18446744073709551617]}', "choices[0]"),
    "choice -2**63 - 1": (b'{"choices":[-9223372036854775809]}', "choices[0]"),
    "choice of 4000 digits": (b'{"choices":[%s]}' % (b"9" * 4000), "choices[0]"),
    "too many": (b'{"choices":[1,2,3,4]}', "choices"),
    "far too many": (b'{"choices":[%s1]}' % (b"1," * 2000), "choices"),
    "the same twice": (b'{"choices":[1,1]}', "choices[1]"),
    "the same with others": (b'{"choices":[2,1,2]}', "choices[2]"),
    "too many of the same": (b'{"choices":[1,1,1,1]}', "choices"),
    "challenge a number": (b'{"choices":[1],"challenge":1}', "challenge"),
    "challenge true": (b'{"choices":[1],"challenge":true}', "challenge"),
    "challenge an object": (b'{"choices":[1],"challenge":{}}', "challenge"),
    "challenge a list": (b'{"choices":[1],"challenge":["x"]}', "challenge"),
    "choices twice": (b'{"choices":[1],"choices":[2]}', "choices"),
    "choices twice alike": (b'{"choices":[1],"choices":[1]}', "choices"),
    "choices twice, once escaped": (b'{"choices":[1],"\\u0063hoices":[2]}', "choices"),
    "choices twice, both escaped": (b'{"\\u0063hoices":[1],"c\\u0068oices":[2]}', "choices"),
    "choices twice, the first null": (b'{"choices":null,"choices":[1]}', "choices"),
    "challenge twice": (b'{"choices":[1],"challenge":"a","challenge":"b"}', "challenge"),
    "challenge twice, once escaped": (
        b'{"challenge":"a","choices":[1],"\\u0063hallenge":"b"}',
        "challenge",
    ),
    "unknown key twice": (b'{"choices":[1],"a":1,"a":2}', "a"),
    "deep inside an unknown key": (
        b'{"choices":[1],"a":' + b"[" * 200 + b"]" * 200 + b"}",
        "a",
    ),
    "deep inside choices": (b'{"choices":' + b"[" * 200 + b"]" * 200 + b"}", "choices[0]"),
    "brackets without an end": (b"[" * MAX_BODY_BYTES, ""),
    "braces without an end": (b'{"a":' * 800, "a"),
    "brackets in the list without an end": (b'{"choices":' + b"[" * 4000, "choices[0]"),
    "a key as long as the body": (b'{"choices":[1],"%s":1}' % (b"k" * 4000), "k" * 40),
}


@pytest.fixture(scope="session")
async def session(lasting_service: Service) -> str:
    return await lasting_service.open_session()


def bearer(session: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {session}", **JSON, **more}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_is_no_json_is_400(shared_service: Service, session: str, body: bytes) -> None:
    answer = await shared_service.client.post(BALLOTS, content=body, headers=bearer(session))
    problem = check_problem(answer, 400)
    assert problem["type"] == "/problems/malformed"


@pytest.mark.parametrize(("body", "field"), INVALID.values(), ids=INVALID.keys())
async def test_what_is_no_ballot_is_422_and_names_the_field(
    shared_service: Service, session: str, body: bytes, field: str
) -> None:
    answer = await shared_service.client.post(BALLOTS, content=body, headers=bearer(session))
    problem = check_problem(answer, 422, field)
    assert problem["type"] == "/problems/invalid"
    messages = str([fault["message"] for fault in problem["errors"]])
    assert "Expected" not in messages and "`" not in messages


async def test_plain_words_say_what_a_field_must_be_and_what_it_is(
    shared_service: Service, session: str
) -> None:
    today = shared_service.contest.current_period(shared_service.clock())
    for body, message in (
        ('{"choices":["3"]}', "must be a whole number; it is a text (length 1)"),
        ('{"choices":{}}', "must be a list; it is an object"),
        ('{"choices":[1],"period":"today"}', "must be a date such as"),
        (
            '{"choices":[1],"period":"2001-01-01"}',
            f"is not a period of this contest that has begun; the current one is {today}",
        ),
    ):
        answer = await shared_service.client.post(BALLOTS, content=body, headers=bearer(session))
        [fault] = check_problem(answer, 422)["errors"]
        assert message in fault["message"]
    huge = f'{{"platform":{"9" * 6000},"token":""}}'.encode()
    problem = check_problem(await shared_service.post_bytes(SESSIONS, huge), 422, "platform")
    assert "must be a text" in problem["detail"]


async def test_every_fault_of_the_choices_is_named_at_once(
    shared_service: Service, session: str
) -> None:
    answer = await shared_service.cast(session, [9, 1, 1, 2])
    problem = check_problem(answer, 422)
    assert [fault["field"] for fault in problem["errors"]] == [
        "choices",
        "choices[0]",
        "choices[2]",
    ]


def padded(length: int) -> bytes:
    return b'{"choices":[1]' + b" " * (length - len(b'{"choices":[1]}')) + b"}"


async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_413(service: Service) -> None:
    session = await service.open_session()
    large = await service.post_bytes(BALLOTS, padded(MAX_BODY_BYTES + 1), bearer(session))
    check_problem(large, 413)
    assert await service.stored_ballots() == 0
    full = await service.post_bytes(BALLOTS, padded(MAX_BODY_BYTES), bearer(session))
    assert full.status_code == 201
    assert await service.stored_ballots() == 1


async def test_chunks_are_added_up(service: Service) -> None:
    session = await service.open_session()

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    large = await service.client.post(
        BALLOTS, content=chunks(padded(MAX_BODY_BYTES + 1)), headers=bearer(session)
    )
    check_problem(large, 413)
    assert await service.stored_ballots() == 0
    full = await service.client.post(
        BALLOTS, content=chunks(padded(MAX_BODY_BYTES)), headers=bearer(session)
    )
    assert full.status_code == 201


@pytest.mark.parametrize("size", [5_000, 70_000, 900_000])
async def test_larger_bodies_are_413(shared_service: Service, session: str, size: int) -> None:
    answer = await shared_service.post_bytes(BALLOTS, b" " * size, bearer(session))
    check_problem(answer, 413)


CONTENT_TYPES = {
    "none": None,
    "empty": "",
    "text": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "XML": "application/xml",
    "longer name": "application/jsonp",
    "suffix": "application/json-patch+json",
    "two types": "text/plain, application/json",
    "json as a parameter": "text/plain; a=application/json",
    "only the subtype": "json",
    "garbage": ";;;",
}


@pytest.mark.parametrize("declared", CONTENT_TYPES.values(), ids=CONTENT_TYPES.keys())
async def test_a_ballot_that_is_not_declared_as_json_is_415(
    shared_service: Service, session: str, declared: str | None
) -> None:
    headers = {"authorization": f"Bearer {session}"}
    if declared is not None:
        headers["content-type"] = declared
    answer = await shared_service.client.post(BALLOTS, content=b'{"choices":[1]}', headers=headers)
    check_problem(answer, 415)


@pytest.mark.parametrize(
    "declared", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
async def test_spellings_of_json_are_taken(service: Service, declared: str) -> None:
    session = await service.open_session()
    answer = await service.cast(session, [1], {"content-type": declared})
    assert answer.status_code == 201


ENCODINGS = {
    "gzip": gzip.compress(b'{"choices":[1]}'),
    "deflate": zlib.compress(b'{"choices":[1]}'),
    "br": b"\x8b\x07\x80" + b'{"choices":[1]}' + b"\x03",
    "identity, gzip": gzip.compress(b'{"choices":[1]}'),
    "x-unknown": b'{"choices":[1]}',
}


@pytest.mark.parametrize(("encoding", "body"), ENCODINGS.items(), ids=ENCODINGS.keys())
async def test_packed_bodies_are_415(
    shared_service: Service, session: str, encoding: str, body: bytes
) -> None:
    headers = bearer(session, **{"content-encoding": encoding})
    answer = await shared_service.client.post(BALLOTS, content=body, headers=headers)
    check_problem(answer, 415)


async def test_the_same_session_may_still_vote_after_every_refusal(service: Service) -> None:
    session = await service.open_session()
    for body in (b"", b"{}", b'{"choices":[true]}', b'{"choices":[1],"choices":[2]}'):
        answer = await service.client.post(BALLOTS, content=body, headers=bearer(session))
        assert 400 <= answer.status_code < 500
    assert (await service.cast(session, [1, 2])).status_code == 201
    assert await service.stored_ballots() == 1
