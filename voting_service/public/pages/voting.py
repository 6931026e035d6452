"""The ballot: fill in, check, cast. Works by form posts alone; nothing is cast but by the one
button of the review page."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from typing import Any

import msgspec
from starlette.responses import RedirectResponse, Response

from voting_service.ballots.casting import not_open
from voting_service.ballots.parse import MAX_BODY_BYTES, check_choices
from voting_service.ballots.vote import Accepted
from voting_service.contests.model import Contest
from voting_service.errors import (
    AlreadyVoted,
    ChallengeRequired,
    InvalidInput,
    SentFromElsewhere,
    VotingError,
)
from voting_service.public.cast_ballot import hand_in
from voting_service.public.pages.answers import (
    keep_order,
    order_variant,
    page_response,
    rendered_response,
)
from voting_service.public.pages.book import order_of
from voting_service.public.pages.forms import (
    CHOICE,
    Form,
    form_seal,
    read_form,
)
from voting_service.public.pages.receipts import receipt_page
from voting_service.public.pages.rendering import texts
from voting_service.public.pages.trouble import platforms_of, trouble
from voting_service.public.pages.visit import Visit
from voting_service.public.senders import Machine
from voting_service.web.same_origin import refuse_cross_site
from voting_service.web.security_headers import SECURITY_HEADERS, content_security_policy

SEAL = "seal"
CHALLENGE = "altcha"
"""The name under which the widget sends a solved challenge."""
_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store"}


class _Receipt(msgspec.Struct, frozen=True):
    ballot: str


class _Answer(msgspec.Struct, frozen=True):
    receipt: _Receipt


_answer = msgspec.json.Decoder(_Answer)


async def ballot(visit: Visit) -> Response:
    """All candidates to tick; what was sent to the review before is ticked already."""
    variant, is_new = order_variant(visit.request)
    kept, voted = visit.cookies.choice(visit.request), visit.cookies.voted(visit.request)
    response = (
        rendered_response(
            visit.book.render(
                "ballot.html",
                visit.language,
                "/ballot",
                order=order_of(visit.contest, variant),
                chosen=frozenset(kept),
                voted=voted,
            )
        )
        if kept or voted
        else page_response(
            visit.request,
            visit.book.ballot(visit.language, variant),
            cache_control="private, no-cache",
        )
    )
    if is_new:
        keep_order(response, variant)
    return response


async def review(visit: Visit) -> Response:
    """Takes the choices to the review: 303 to an address that can be reloaded, gone back to and
    read in the other language; 422 with what is wrong when a ballot may not look so."""
    form = await _read(visit)
    try:
        choices = check_choices(form.choices, visit.contest)
    except InvalidInput:
        return _review_page(visit, form.choices, is_faulty=True)
    response = RedirectResponse(f"{visit.address}/ballot/review", 303, _HEADERS)
    visit.cookies.keep_choice(response, choices)
    return response


async def review_page(visit: Visit) -> Response:
    """Who is chosen, and the one button that casts."""
    try:
        choices = check_choices(visit.cookies.choice(visit.request), visit.contest)
    except InvalidInput:
        return RedirectResponse(f"{visit.address}/ballot", 303, _HEADERS)
    return _review_page(visit, choices)


async def cast(visit: Visit) -> Response:
    """Casts. 303 to the receipt; whatever else happens is a page that keeps the choices."""
    form = await _read(visit)
    if visit.contest.phase(visit.now) == "upcoming":
        # Before anything else: what a faulty ballot is shown names candidates.
        return trouble(visit, not_open(visit.contest, visit.now), form.choices)
    try:
        return await _cast(visit, form)
    except AlreadyVoted as error:
        ballot_id = _answer.decode(error.receipt).receipt.ballot
        response = await receipt_page(visit, ballot_id, is_second_try=True)
        visit.cookies.mark_voted(response, ballot_id, visit.now)
        return response
    except InvalidInput:
        return _review_page(visit, form.choices, is_faulty=True)
    except ChallengeRequired as error:
        return _challenge_page(visit, form.choices, error)
    except VotingError as error:
        return trouble(visit, error, form.choices)


async def _cast(visit: Visit, form: Form) -> Response:
    visit.worker.watch.require()
    session = visit.voter()
    token = visit.cookies.session(visit.request)
    expected = form_seal(visit.desk.keys.session, token)
    if not compare_digest(form.fields.get(SEAL, "").encode(), expected.encode()):
        raise SentFromElsewhere("the form is not one of this session")
    choices = check_choices(form.choices, visit.contest)
    outcome = await hand_in(
        visit.desk,
        session,
        choices,
        challenge=form.fields.get(CHALLENGE),
        machine=Machine.of(visit.request.scope, dict(visit.request.scope["headers"])),
        now=visit.now,
    )
    ballot_id = _answer.decode(outcome.receipt).receipt.ballot
    # The fragment tells the page what has just happened; a reload of it does not.
    what = "stored" if isinstance(outcome, Accepted) else "again"
    response = RedirectResponse(
        f"{visit.address}/receipts/{ballot_id}#{what}",
        303,
        _HEADERS,
    )
    visit.cookies.mark_voted(response, ballot_id, visit.now)
    visit.cookies.forget_choice(response)
    return response


async def _read(visit: Visit) -> Form:
    refuse_cross_site(visit.request, visit.worker.settings.public_url)
    return await read_form(visit.request, {CHOICE, SEAL, CHALLENGE}, MAX_BODY_BYTES)


def _review_page(
    visit: Visit,
    choices: Sequence[int],
    *,
    is_faulty: bool = False,
    asked: ChallengeRequired | None = None,
) -> Response:
    voter = visit.voter_if_any()
    chosen = [c for c in visit.contest.candidates if c.number in set(choices)]
    fault = _explain(choices, visit) if is_faulty else None
    body = visit.book.render(
        "review.html",
        visit.language,
        "/ballot/review",
        chosen=chosen,
        fault=fault,
        can_cast=voter is not None and fault is None and visit.book.phase == "open",
        platform=visit.worker.platforms[voter.platform_id] if voter else None,
        voted=visit.cookies.voted(visit.request),
        platforms=() if voter else platforms_of(visit),
        seal=form_seal(visit.desk.keys.session, visit.cookies.session(visit.request)),
        challenge=_in_page(asked.challenge) if asked else None,
        captcha=_in_page(asked.captcha) if asked else None,
    )
    response = rendered_response(body, 422 if is_faulty else 428 if asked else 200)
    if is_faulty:
        visit.cookies.keep_choice(response, [candidate.number for candidate in chosen])
    return response


def _in_page(asked: dict[str, Any] | None) -> str | None:
    return msgspec.json.encode(asked).decode() if asked else None


def _challenge_page(visit: Visit, choices: Sequence[int], asked: ChallengeRequired) -> Response:
    """The review with what the vote is asked for. With a captcha this page, and no other, lets
    its provider's widget in, and tells the provider which site it is on."""
    response = _review_page(visit, choices, asked=asked)
    gate = visit.desk.challenges.gate
    if asked.captcha is not None and gate is not None:
        policy = content_security_policy(gate.captcha.page_sources)
        response.headers["content-security-policy"] = policy
        response.headers["referrer-policy"] = "strict-origin"
    return response


def _explain(choices: Sequence[int], visit: Visit) -> str:
    """The rule that a ballot breaks, kindly. That it breaks one was found by check_choices."""
    rules = visit.contest.rules.ballot
    lines: dict[str, str] = texts(visit.language)["review"]["fault"]
    line = lines[_fault(choices, visit.contest)]
    return line.format(
        count=len(choices),
        min=rules.min_choices,
        max=rules.max_choices,
        over=len(choices) - rules.max_choices,
    )


def _fault(choices: Sequence[int], contest: Contest) -> str:
    if not choices:
        return "none"
    if len(choices) > contest.rules.ballot.max_choices:
        return "too_many"
    if len(choices) < contest.rules.ballot.min_choices:
        return "too_few"
    return "unknown"
