"""The joint office's opinion on accepted forms: its stamp, a proposal, and a second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, NotFound, Refused, VotingError
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.review.joint_office_opinions import (
    MAX_OPINION_CHARACTERS,
    NewOpinion,
    add_stamp,
    approve_opinion,
    approved_opinions,
    load_opinions,
    propose_opinion,
    reject_opinion,
)
from voting_service.nomination.review.repository import load_stamp
from voting_service.nomination.review.service import view_accepted
from voting_service.sites.nomination.approval_routes import approval_routes
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import fault_sentence
from voting_service.sites.nomination.recommendations.form_steps import parse_day
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form_lists
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import PICTURE_TYPES, encoding_turn, read_upload

OPINION = "/selections/{slug}/opinion"
_MAX_DIGITS = 9
Fields = Mapping[str, Sequence[str]]


@signed_in(*READERS)
async def show_opinion(request: Request) -> Response:
    """Show stamp, waiting and decided opinions, and the form to propose one."""
    async with get_state(request).connection() as connection:
        return await _opinion_page(request, await selection_actor(request, connection))


async def _opinion_page(
    request: Request,
    actor: SelectionActor,
    filled: Fields | None = None,
    error: VotingError | None = None,
) -> Response:
    reader = language(request)
    opinions = await load_opinions(actor)
    stamp = await load_stamp(actor)
    accepted, shortlisted = await view_accepted(actor)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    chosen = shortlisted or [submitted.id for submitted in accepted]
    return page(
        request,
        "review/opinion.html",
        status=200 if error is None else 422 if faults else 409,
        selection=actor.selection,
        stamp=None if stamp is None else stamp.sha256.hex(),
        waiting=[opinion for opinion in opinions if opinion.state == "waiting"],
        decided=[opinion for opinion in opinions if opinion.state != "waiting"],
        given=approved_opinions(opinions),
        accepted=accepted,
        chosen={str(number) for number in chosen}
        if filled is None
        else set(filled.get("recommendation", ())),
        filled={name: values[0] for name, values in (filled or {}).items() if values},
        today=actor.today,
        limit=MAX_OPINION_CHARACTERS,
        me=actor.account.id,
        may_decide=actor.account.role in REVIEWERS,
        picture_types=PICTURE_TYPES,
        faults={fault.field: fault_sentence(fault, reader) for fault in faults},
        error=error.text(reader) if error and not faults else "",
    )


@signed_in(*READERS)
async def show_stamp(request: Request) -> Response:
    """Return the picture of a stamp. Raises NotFound."""
    try:
        sha256 = bytes.fromhex(request.path_params["sha256"])
    except ValueError:
        raise NotFound("nomination.review.no_stamp") from None
    async with get_state(request).connection() as connection:
        stamp = await load_stamp(await selection_actor(request, connection), sha256)
    if stamp is None:
        raise NotFound("nomination.review.no_stamp")
    headers = {**SECURITY_HEADERS, "cache-control": "no-store"}
    return Response(stamp.content, 200, headers, media_type="image/png")


@signed_in(*REVIEWERS)
@limiter.limit(rate("upload"))
async def upload_stamp(request: Request) -> Response:
    """Store the picture of the stamp that is used from now on."""
    posted = await read_upload(request)
    try:
        upload = posted.file("stamp")
        async with encoding_turn():
            encoded = await encode_upload(upload.content, upload.name, "picture", field="stamp")
        pictures = [file for file in encoded.files if file.format == "webp"]
        async with get_state(request).connection() as connection:
            actor = await selection_actor(request, connection)
            await add_stamp(actor, max(pictures, key=lambda file: file.width).data)
    except InvalidInput as error:
        async with get_state(request).connection() as connection:
            return await _opinion_page(
                request, await selection_actor(request, connection), None, error
            )
    return redirect_done(request, OPINION, "stamped")


@signed_in(*REVIEWERS)
async def propose(request: Request) -> Response:
    """Propose an opinion. An error is shown with the form as it was filled in."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            await propose_opinion(actor, _parse_opinion(fields))
        except (InvalidInput, Refused) as error:
            return await _opinion_page(request, actor, fields, error)
    return redirect_done(request, OPINION, "proposed")


def _parse_opinion(fields: Fields) -> NewOpinion:
    """Return what was posted; a number that cannot be read is 0, which no recommendation has."""
    numbers = [
        int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else 0
        for text in fields.get("recommendation", ())
    ]
    text, signed_on = ((fields.get(name) or [""])[0] for name in ("text", "signed_on"))
    return NewOpinion(text, parse_day(signed_on), tuple(numbers))


ROUTES = [
    Route(OPINION, show_opinion),
    Route(OPINION, propose, methods=["POST"]),
    Route(f"{OPINION}/stamp", upload_stamp, methods=["POST"]),
    Route(f"{OPINION}/stamps/{{sha256}}", show_stamp),
    *approval_routes(OPINION, approve_opinion, reject_opinion),
]
