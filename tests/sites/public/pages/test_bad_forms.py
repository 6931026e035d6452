"""The pages' forms under hostile hands: nothing is stored, nothing is echoed, no page breaks."""

from __future__ import annotations

import gzip
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.browser.site import SLUG, Site
from tests.sites.public.pages.reader import (
    BALLOT,
    LEAVE,
    PLATFORM_ORIGIN,
    REVIEW,
    Reader,
    ballot_form,
    cookies_set,
    csrf_token_in,
    reading,
)
from voting_service.sites.public.api.sessions import MAX_BODY_BYTES as MAX_SIGN_IN_BYTES
from voting_service.voting.ballots.parse import MAX_BODY_BYTES

PLANTED = "planted-by-the-test"
FORMS = (BALLOT, REVIEW)

# What is no form in UTF-8 at all.
UNREADABLE = {
    "no equals sign": b"choice",
    "only an ampersand": b"&",
    "two ampersands": b"choice=1&&choice=2",
    "raw UTF-8": "choice=１".encode(),
    "raw bytes": b"choice=\xff\xfe",
    "bytes that are no UTF-8": b"choice=%ff%fe",
    "overlong": b"choice=%c0%b1",
    "a lone surrogate": b"choice=%ed%a0%80",
    "two lone surrogates": b"choice=%ed%a0%bd%ed%b8%80",
    "a lone surrogate in a name": b"choice%ed%a0%80=1",
    "more fields than candidates": b"&".join([b"choice=1"] * 201),
    "JSON": b'{"choices":[1]}',
    "gzip without saying so": gzip.compress(b"choice=1"),
    "UTF-16": "choice=1".encode("utf-16"),
    "NUL": b"\x00",
}

# A form, but not ours.
UNKNOWN = {
    "another name": b"choices=1",
    "another case": b"Choice=1",
    "PHP's way": b"choice[]=1",
    "a name with a blank": b"choice+=1",
    "no name": b"=1",
    "somebody else's voter": b"choice=1&voter=00",
    "a weight": b"choice=1&weight=100",
    "a moment of one's own": b"choice=1&cast_at=2022-07-19",
    "the CSRF token twice": b"choice=1&csrf_token=a&csrf_token=b",
    "a planted name": f"choice=1&{PLANTED}=1".encode(),
    "prototype": b"choice=1&__proto__=1",
    "multipart without saying so": b'--x\r\ncontent-disposition: form-data; name="choice"\r\n',
}

# A ballot's form with values that are no candidates.
NO_CANDIDATES = [
    b"choice=", b"choice=0", b"choice=-1", b"choice=51", b"choice=01", b"choice=1.0",
    b"choice=1e0", b"choice=0x1", b"choice=1,2", b"choice=1%202", b"choice=+1", b"choice=%2b1",
    b"choice=1%00", b"choice=%00", b"choice=1%0a", b"choice=1%0d%0aset-cookie:%20a", b"choice=one",
    b"choice=%EF%BC%91", b"choice=%D9%A1", b"choice=%F0%9D%9F%99", b"choice=true", b"choice=null",
    b"choice=NaN", b"choice=32768", b"choice=65537", b"choice=4294967297", b"choice=" + b"9" * 4000,
    b"choice=%3Cscript%3E", b"choice=%zz", b"choice=1%", b"choice=1&choice=1",
    b"choice=1&choice=99", b"", b"choice=1;choice=2",
]  # fmt: skip


def check_page(answer: httpx.Response, *statuses: int) -> None:
    """A page of ours, of one of these statuses, that shows nothing of what was sent."""
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<h1>" in answer.text
    assert PLANTED not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", [*FORMS, "/enter"])
@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_is_no_form_is_a_kind_400(path: str, what: str, refused: Reader) -> None:
    check_page(await refused.post(path, UNREADABLE[what]), 400)


@pytest.mark.parametrize("path", [*FORMS, "/enter"])
@pytest.mark.parametrize("what", UNKNOWN)
async def test_fields_that_we_do_not_ask_for_are_refused(
    path: str, what: str, refused: Reader
) -> None:
    check_page(await refused.post(path, UNKNOWN[what]), 422)


@pytest.mark.parametrize("values", NO_CANDIDATES)
async def test_values_that_are_no_candidates_are_never_cast(values: bytes, refused: Reader) -> None:
    csrf_token = csrf_token_in(await refused.review([1])).encode()
    check_page(
        await refused.post(BALLOT, values + b"&" * bool(values) + b"csrf_token=" + csrf_token), 422
    )
    check_page(await refused.post(REVIEW, values), 422)


@pytest.mark.parametrize("path", [*FORMS, "/enter"])
@pytest.mark.parametrize(
    ("content_type", "content_encoding"),
    [
        ("", ""),
        ("text/plain", ""),
        ("application/json", ""),
        ("multipart/form-data; boundary=x", ""),
        ("multipart/form-data", ""),
        ("application/x-www-form-urlencodedx", ""),
        ("application/x-www-form-urlencoded", "gzip"),
        ("application/x-www-form-urlencoded", "identity, gzip"),
    ],
)
async def test_only_plain_urlencoded_forms_are_read(
    path: str, content_type: str, content_encoding: str, refused: Reader
) -> None:
    body = (
        b'--x\r\ncontent-disposition: form-data; name="choice"\r\n\r\n1\r\n--x--\r\n'
        if content_type.startswith("multipart")
        else b"choice=1"
    )
    answer = await refused.post(
        path, body, content_type=content_type, content_encoding=content_encoding
    )
    check_page(answer, 415)


@pytest.mark.parametrize(
    ("path", "limit"), [*((path, MAX_BODY_BYTES) for path in FORMS), ("/enter", MAX_SIGN_IN_BYTES)]
)
async def test_a_form_that_is_too_large_is_shown_so(path: str, limit: int, refused: Reader) -> None:
    check_page(await refused.post(path, b"csrf_token=" + b"a" * (limit - 11)), 403, 422)
    check_page(await refused.post(path, b"csrf_token=" + b"a" * (limit - 10)), 413)

    async def endless() -> object:
        for _ in range(limit // 1000 + 1):
            yield b"a" * 1000

    answer = await refused.client.post(
        path,
        content=endless(),  # type: ignore[arg-type]
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    check_page(answer, 413)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "sec_fetch_site": ""},
        {"origin": PLATFORM_ORIGIN, "sec_fetch_site": "cross-site"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"origin": "null", "sec_fetch_site": ""},
        {"origin": "", "sec_fetch_site": "cross-site"},
        {"origin": "", "sec_fetch_site": "nonsense"},
        {"origin": "http://127.0.0.1", "sec_fetch_site": ""},
        {"origin": "http://127.0.0.1:1", "sec_fetch_site": ""},
    ],
)
async def test_posts_from_other_sites_cast_nothing_even_with_cookie_and_csrf_token(
    headers: dict[str, str], refused: Reader
) -> None:
    csrf_token = csrf_token_in(await refused.review([1]))
    for path in (*FORMS, LEAVE):
        fields = {"choice": 1, "csrf_token": csrf_token} if path in FORMS else {}
        answer = await refused.post(path, fields, **headers)
        check_page(answer, 403)
        assert not cookies_set(answer)


@pytest.mark.parametrize(
    "csrf_token", ["missing", "empty", "wrong", "longer", "not ASCII", "another's"]
)
async def test_without_the_csrf_token_of_this_session_nothing_is_cast(
    csrf_token: str, refused: Reader
) -> None:
    right = csrf_token_in(await refused.review([1]))
    async with reading(refused.site) as other:
        await other.enter()
        others = csrf_token_in(await other.review([1]))
    sent = {
        "empty": "",
        "wrong": "0" * 32,
        "longer": right + "0",
        "not ASCII": "ｆ" * 32,
        "another's": others,
    }
    fields = {"choice": "1"} | ({"csrf_token": sent[csrf_token]} if csrf_token in sent else {})
    answer = await refused.post(BALLOT, fields)
    check_page(answer, 403)
    assert f'action="{REVIEW}"' in answer.text, "there is no way to go on"


@pytest.mark.parametrize(
    "period", ["", "today", "2022-7-1", "20220701", "2022-02-30", "9999-12-31"]
)
async def test_a_period_that_is_none_of_the_contest_is_refused(
    period: str, refused: Reader
) -> None:
    fields = dict(ballot_form(await refused.review([1]), [1])) | {"period": period}
    check_page(await refused.post(BALLOT, fields), 422)
    assert (await refused.post(REVIEW, fields)).status_code == 303, "a review is of today"


async def test_a_csrf_token_is_good_for_its_session_only(refused: Reader) -> None:
    csrf_token = csrf_token_in(await refused.review([1]))
    await refused.enter()  # somebody else, at the same browser
    check_page(await refused.post(BALLOT, {"choice": 1, "csrf_token": csrf_token}), 403)


@pytest.mark.parametrize(
    "cookie",
    ["", "x", '"', "%00", "3.4.x", "0", "3..4", "51.99", "9" * 5000, "3." * 300 + "3", "<script>"],
)
async def test_cookies_that_we_never_set_do_no_harm(cookie: str, refused: Reader) -> None:
    refused.client.cookies.clear()
    output = "; ".join(f"{kind}-{SLUG}={cookie}" for kind in ("session", "choice", "voted"))
    for page in (BALLOT, f"/zh/{SLUG}"):
        answer = await refused.get(page, headers={"cookie": output})
        assert answer.status_code == 200
        assert "<script>" not in answer.text
    answer = await refused.post(BALLOT, {"choice": 1, "csrf_token": "0" * 32}, cookie=output)
    check_page(answer, 401)


async def test_contests_and_languages_that_do_not_exist(refused: Reader) -> None:
    for path in (
        "/zh/nothing/ballot",
        f"/fr/{SLUG}/ballot",
        f"/ZH/{SLUG}/ballot",
        f"/zh/{SLUG}%00/ballot",
    ):
        assert (await refused.post(path, {"choice": 1})).status_code == 404
        assert (await refused.get(path)).status_code == 404
    # A reader who typed a slash too many is led on; a form never has one.
    assert (await refused.post(f"/zh/{SLUG}/ballot/", {"choice": 1})).status_code == 405


async def test_a_slash_at_the_end_leads_to_the_page_and_takes_no_form(refused: Reader) -> None:
    read = await refused.get(f"/zh/{SLUG}/ballot/")
    assert (read.status_code, read.headers["location"]) == (302, f"/zh/{SLUG}/ballot")
    assert (await refused.post(f"/zh/{SLUG}/ballot/", {"choice": 1})).status_code == 405


async def test_only_get_and_post_are_answered(refused: Reader) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        for path in (BALLOT, REVIEW, LEAVE, "/enter"):
            answer = await refused.client.request(method, path)
            assert answer.status_code == 405


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.tuples(
                st.sampled_from(
                    ["choice", "csrf_token", "platform", "token", "contest", "next", "x"]
                ),
                st.one_of(
                    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
                    st.integers(-9, 99).map(str),
                ),
            ),
            max_size=14,
        ).map(lambda pairs: urlencode(pairs).encode()),
    ),
    path=st.sampled_from([*FORMS, "/enter"]),
)
async def test_whatever_is_posted_is_answered_with_a_page_or_the_review(
    lasting_site: Site, body: bytes, path: str
) -> None:
    before = await lasting_site.database.fetchval("select count(*) from ballots")
    async with reading(lasting_site) as reader:
        answer = await reader.post(path, body)
        if answer.status_code == 303:
            assert answer.headers["location"] == REVIEW, "something was cast or signed in"
        else:
            check_page(answer, 400, 401, 403, 413, 422)
    assert await lasting_site.database.fetchval("select count(*) from ballots") == before
