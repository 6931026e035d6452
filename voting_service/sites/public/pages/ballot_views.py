"""Filling in, reviewing and casting a ballot. Works with form posts alone; only the button on the
review page casts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hmac import compare_digest
from typing import Any

import msgspec
from starlette.responses import RedirectResponse, Response

from voting_service.contests.list_order import ordered_candidates
from voting_service.contests.model import Contest
from voting_service.errors import (
    AlreadyVoted,
    ChallengeRequired,
    InvalidInput,
    SentFromElsewhere,
    VotingError,
)
from voting_service.i18n.formatting import written_list
from voting_service.infrastructure.timeouts import CHALLENGE_GRACE_SECONDS
from voting_service.sites.public.api.cast_ballot import SubmittedBallot, submit_ballot
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.forms import (
    CHOICE,
    BallotForm,
    csrf_token,
    read_form,
)
from voting_service.sites.public.pages.problem_views import problem_page, sign_in_choices_on
from voting_service.sites.public.pages.receipt_views import receipt_page
from voting_service.sites.public.pages.responses import (
    keep_order,
    order_variant,
    page_response,
    rendered_response,
)
from voting_service.sites.public.rendering import texts
from voting_service.sites.public.request_signals import RequestSignals
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.sites.shared.security_headers import SECURITY_HEADERS, content_security_policy
from voting_service.voting.ballots.parse import (
    MAX_BODY_BYTES,
    BallotRequest,
    CandidateWithdrawn,
    PeriodFault,
    check_choices,
    check_period,
)
from voting_service.voting.ballots.pipeline import not_open
from voting_service.voting.ballots.vote import Accepted

CSRF_FIELD = "csrf_token"
PERIOD = "period"
REMOVE = "remove"
"""The number of a candidate that the review page no longer chooses."""
CHALLENGE = "altcha"
"""The form field in which the ALTCHA widget sends a solved challenge."""
_FIELDS = {CHOICE, CSRF_FIELD, CHALLENGE, PERIOD, REMOVE}
_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store"}


class _StoredBallotId(msgspec.Struct, frozen=True):
    ballot: str
    period: date


class _BallotReceipt(msgspec.Struct, frozen=True):
    receipt: _StoredBallotId


_decoder = msgspec.json.Decoder(_BallotReceipt)


async def ballot(context: PageContext) -> Response:
    """Show all candidates with checkboxes; choices sent to the review before are selected."""
    variant, is_new = order_variant(context.request)
    choices, voted = context.cookies.choice(context.request), context.cookies.voted(context.request)
    response = (
        rendered_response(
            context.page_cache.render(
                "ballot.html",
                context.language,
                "/ballot",
                order=ordered_candidates(context.contest, variant),
                chosen=frozenset(choices),
                voted=voted,
            )
        )
        if choices or voted
        else page_response(
            context.request,
            context.page_cache.ballot(context.language, variant),
            cache_control="private, no-cache",
        )
    )
    if is_new:
        keep_order(response, variant)
    return response


async def review(context: PageContext) -> Response:
    """Keep the choices and redirect (303) to the review page, which can be reloaded and read in the
    other language. An invalid ballot gets 422 with the fault."""
    form = await _read(context)
    kept = [number for number in form.choices if str(number) != form.fields.get(REMOVE)]
    if not kept and REMOVE in form.fields:
        response = RedirectResponse(f"{context.address}/ballot", 303, _HEADERS)
        context.cookies.forget_choice(response)
        return response
    try:
        choices = _check_standing(kept, context.contest)
    except InvalidInput:
        return _review_page(context, kept, is_faulty=True)
    response = RedirectResponse(f"{context.address}/ballot/review", 303, _HEADERS)
    context.cookies.keep_choice(response, choices)
    return response


async def review_page(context: PageContext) -> Response:
    """Show the chosen candidates and the button that casts."""
    choices = context.cookies.choice(context.request)
    try:
        _check_standing(choices, context.contest)
    except CandidateWithdrawn:
        return _review_page(context, choices, is_faulty=True)
    except InvalidInput:
        return RedirectResponse(f"{context.address}/ballot", 303, _HEADERS)
    return _review_page(context, choices)


def _check_standing(given: Sequence[int], contest: Contest) -> list[int]:
    """Return the choices in ascending order. Raises InvalidInput with every wrong one, and
    CandidateWithdrawn."""
    choices = check_choices(list(given), contest)
    if withdrawn := [w for w in contest.withdrawals if w.number in choices]:
        raise CandidateWithdrawn(contest, withdrawn)
    return choices


async def cast(context: PageContext) -> Response:
    """Cast the ballot and redirect (303) to the receipt. Every error page keeps the choices."""
    form = await _read(context)
    period: date | None = None
    try:
        period = _read_period(form, context)
        # It arrived with its last byte.
        context = context._replace(now=context.state.require_accepting())
        if context.contest.phase(context.now) == "upcoming":
            # Checked first: the page for an invalid ballot names candidates, not public yet.
            return problem_page(context, not_open(context.contest, context.now), form.choices)
        if period is not None:
            check_period(period, context.contest, context.now)
        return await _cast(context, form, period)
    except AlreadyVoted as error:
        stored = _decoder.decode(error.receipt).receipt
        response = await receipt_page(context, stored.ballot, has_already_voted=True)
        _mark_voted(context, response, stored)
        return response
    except InvalidInput as error:
        return (
            problem_page(context, error, form.choices)
            if isinstance(error, PeriodFault)
            else _review_page(context, form.choices, is_faulty=True)
        )
    except ChallengeRequired as error:
        return _challenge_page(context, form.choices, error, period)
    except VotingError as error:
        return problem_page(context, error, form.choices, period)


def _read_period(form: BallotForm, context: PageContext) -> date | None:
    """Return the period that the form names: that of the review page it was sent from. Raises
    PeriodFault for anything but a date."""
    if PERIOD not in form.fields:
        return None
    try:
        return date.fromisoformat(form.fields[PERIOD])
    except ValueError:
        raise PeriodFault(context.contest.current_period(context.now)) from None


def _mark_voted(context: PageContext, response: Response, stored: _StoredBallotId) -> None:
    """Keep the ballot's id, unless it is of an earlier period: then its voter may vote again."""
    if stored.period == context.contest.current_period(context.now):
        context.cookies.mark_voted(response, stored.ballot, context.now)


async def _cast(context: PageContext, form: BallotForm, period: date | None) -> Response:
    session = context.voter()
    token = context.cookies.session(context.request)
    expected = csrf_token(context.contest_state.keys.session, token)
    if not compare_digest(form.fields.get(CSRF_FIELD, "").encode(), expected.encode()):
        raise SentFromElsewhere("sites.public.pages.wrong_csrf_token")
    choices = check_choices(form.choices, context.contest)
    scope = context.request.scope
    submitted = SubmittedBallot(
        BallotRequest(choices, form.fields.get(CHALLENGE), period),
        RequestSignals.from_scope(scope, dict(scope["headers"])),
    )
    result = await submit_ballot(context.contest_state, session, submitted, context.now)
    stored = _decoder.decode(result.receipt).receipt
    # The fragment tells the page which message to show; a reload shows none.
    fragment = "stored" if isinstance(result, Accepted) else "again"
    response = RedirectResponse(
        f"{context.address}/receipts/{stored.ballot}#{fragment}",
        303,
        _HEADERS,
    )
    _mark_voted(context, response, stored)
    context.cookies.forget_choice(response)
    return response


async def _read(context: PageContext) -> BallotForm:
    refuse_cross_site(context.request, context.state.settings.public_url)
    return await read_form(context.request, _FIELDS, MAX_BODY_BYTES)


def _review_page(
    context: PageContext,
    choices: Sequence[int],
    *,
    is_faulty: bool = False,
    challenge: ChallengeRequired | None = None,
    period: date | None = None,
) -> Response:
    """Return the page; the ballot that it sends names `period`, by default the current one."""
    voter = context.voter_if_any()
    chosen = [c for c in context.contest.candidates if c.number in set(choices)]
    fault = _explain(choices, context) if is_faulty else None
    voted = context.cookies.voted(context.request)
    body = context.page_cache.render(
        "review.html",
        context.language,
        "/ballot/review",
        chosen=chosen,
        fault=fault,
        can_cast=(
            voter is not None and fault is None and not voted and context.page_cache.phase == "open"
        ),
        platform=context.state.platforms[voter.platform_id] if voter else None,
        voted=voted,
        choices=() if voter else sign_in_choices_on(context),
        csrf_token=csrf_token(
            context.contest_state.keys.session, context.cookies.session(context.request)
        ),
        period=period or context.contest.current_period(context.now),
        grace_seconds=CHALLENGE_GRACE_SECONDS,
        challenge=_as_attribute(challenge.challenge) if challenge else None,
        captcha=_as_attribute(challenge.captcha) if challenge else None,
    )
    response = rendered_response(body, 422 if is_faulty else 428 if challenge else 200)
    if is_faulty:
        context.cookies.keep_choice(response, [candidate.number for candidate in chosen])
    return response


def _as_attribute(value: dict[str, Any] | None) -> str | None:
    return msgspec.json.encode(value).decode() if value else None


def _challenge_page(
    context: PageContext,
    choices: Sequence[int],
    challenge: ChallengeRequired,
    period: date | None,
) -> Response:
    """Show the review page with the challenge. With a captcha, only this page's policy allows the
    provider's widget, and the page sends the provider the site's origin as referrer."""
    response = _review_page(context, choices, challenge=challenge, period=period)
    verifier = context.contest_state.challenges.captcha_verifier
    if challenge.captcha is not None and verifier is not None:
        policy = content_security_policy(verifier.adapter.page_sources)
        response.headers["content-security-policy"] = policy
        response.headers["referrer-policy"] = "strict-origin"
    return response


def _explain(choices: Sequence[int], context: PageContext) -> str:
    """Return a sentence on the rule that an invalid ballot breaks."""
    rules = context.contest.rules.ballot
    lines: dict[str, str] = texts(context.language)["review"]["fault"]
    line = lines[_fault(choices, context.contest)]
    names = [
        getattr(candidate.name, context.language)
        for candidate in context.contest.candidates
        if candidate.number in context.contest.withdrawn and candidate.number in choices
    ]
    return line.format(
        names=written_list(names, context.language),
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
    return "withdrawn" if contest.withdrawn.keys() & set(choices) else "unknown"
