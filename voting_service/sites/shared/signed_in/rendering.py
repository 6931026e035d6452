"""Render a page from a template and values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import written_deadline, written_moment, written_number
from voting_service.i18n.text import LANGUAGES
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.sites.shared.signed_in.access import (
    CurrentUser,
    current_user,
    form_path,
    safe_next,
)
from voting_service.sites.shared.signed_in.cookies import language as language_of_request
from voting_service.sites.shared.signed_in.form_filling import (
    FormFault,
    RefusedForm,
    fill_in,
    mark_faults,
)
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.theme import NavItem, Theme
from voting_service.staff.accounts.kept_posts import KeptPost
from voting_service.staff.accounts.sessions import is_confirmed

_MAIN = re.compile(r'<main id="main"[^>]*>')


class PageSubject(Protocol):
    """The contest or selection that a page is about."""

    @property
    def slug(self) -> str: ...
    @property
    def zone(self) -> tzinfo: ...


PAGE_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store", "vary": "Cookie, Accept-Language"}


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a page; nothing may cache it.

    `template` is `<area>/<name>.html` of the theme. In it: `t.<area>.<key>`, `look.<key>`, `user`
    (None when nobody is signed in), `csrf`, `language`, `done` (the message of `redirect_done`,
    or ""), `number()`, `moment()`, `end()` (the end of a time), `text_of()` (for a `Text`),
    `static_url()`, `nav`, `stages` (of the selection, ARCHITECTURE.md), and `values`;
    `contest=` or `selection=` add the subject's own navigation and show times in its time zone.
    """
    state = get_state(request)
    language = language_of_request(request)
    subjects: dict[str, PageSubject | None] = {
        "contest": values.get("contest"),
        "selection": values.get("selection"),
    }
    zone = next((s.zone for s in subjects.values() if s is not None), None) or state.default_zone()
    user: CurrentUser | None = getattr(request.state, "user", None)
    query = f"?{request.url.query}" if request.url.query else ""
    here = safe_next(request.url.path + query) if request.method == "GET" else "/"
    context: dict[str, Any] = {
        "t": state.theme.texts(language),
        "look": load_catalogue("look", language),
        "user": user,
        "csrf": user.csrf if user else "",
        "language": language,
        "languages": LANGUAGES,
        "number": partial(written_number, language=language),
        "moment": partial(written_moment, zone=zone, language=language),
        "end": partial(written_deadline, zone=zone, language=language),
        "text_of": lambda text: getattr(text, language),
        "static_url": state.theme.static_url,
        "path": request.url.path,
        "here": quote(here, safe="/"),
        "done": request.query_params.get("done", ""),
        "stages": getattr(request.state, "stages", ()),
        "nav": _navigation(state.theme, user, subjects, request.url.path),
        **subjects,
        **values,
    }
    body = state.theme.environment.get_template(template).render(context)
    if request.method == "GET":
        body, kept_notices = _with_kept_posts(request, body, context)
        body, refused_notice = _with_refused_form(request, body, context)
        # After both: the notices have forms of their own, which are not to be filled in.
        body = _at_top(body, refused_notice + kept_notices)
    elif status >= 400:
        body = _with_lost_files(request, body, context)
    return Response(body, status, PAGE_HEADERS, media_type="text/html")


def _with_kept_posts(request: Request, body: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return a page with what was kept of its forms filled in, and the notices for its top."""
    kept_posts: Sequence[KeptPost] = getattr(request.state, "kept_posts", ())
    notices = []
    for kept in kept_posts:
        filled = fill_in(body, kept.path, kept.fields)
        form = RefusedForm(kept.path, kept.page, kept.fields, files=kept.files)
        body = _with_files_marked(filled.page, form, context)
        values = {**context, "kept": kept, "filled": filled, "because": _because(request, kept)}
        notice = get_state(request).theme.environment.get_template("signed_in/kept.html")
        notices.append(notice.render(values))
    return body, "".join(notices)


def _with_refused_form(request: Request, body: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the page of a form that was refused with the form filled in and what is wrong beside
    its fields, and the notice of it for the top (refused_forms.py)."""
    refused: RefusedForm | None = getattr(request.state, "refused_form", None)
    if refused is None:
        return body, ""
    filled = fill_in(body, refused.path, refused.fields)
    marked = mark_faults(filled.page, _with_file_faults(refused, context))
    notice = get_state(request).theme.environment.get_template("signed_in/refused.html")
    values = {**context, "refused": refused, "filled": filled, "links": marked.links}
    return marked.page, notice.render(values)


def _with_lost_files(request: Request, body: str, context: Mapping[str, Any]) -> str:
    """Return the page of a form that its view shows again, with the fields marked whose files were
    not kept."""
    fields: Mapping[str, Sequence[str]] = getattr(request.state, "posted", {})
    files: Sequence[str] = getattr(request.state, "lost_files", ())
    form = RefusedForm(form_path(request), "", fields, files=files)
    return _with_files_marked(body, form, context)


def _with_files_marked(body: str, form: RefusedForm, context: Mapping[str, Any]) -> str:
    return mark_faults(body, _with_file_faults(form, context)).page if form.files else body


def _with_file_faults(form: RefusedForm, context: Mapping[str, Any]) -> RefusedForm:
    """Return the form with a fault for each field whose files were not kept."""
    again: str = context["t"]["layout"]["kept"]["file_again"]
    return form._replace(faults=[*form.faults, *(FormFault(name, again) for name in form.files)])


def _at_top(body: str, notice: str) -> str:
    return _MAIN.sub(lambda start: start[0] + notice, body, count=1)


def _because(request: Request, kept: KeptPost) -> str:
    """Return why a form was kept, `confirmed` where that has been put right since."""
    state = get_state(request)
    is_right = kept.because == "unconfirmed" and is_confirmed(
        current_user(request).session, state.clock()
    )
    return "confirmed" if is_right else kept.because


def redirect_done(request: Request, path: str, done: str) -> Response:
    """Redirect after a post to a page about the same contest or selection, with the message
    `done`; `path` names it as `{slug}`."""
    address = path.replace("{slug}", request.path_params["slug"])
    return RedirectResponse(f"{address}?done={done}", 303)


def _navigation(
    theme: Theme,
    user: CurrentUser | None,
    subjects: Mapping[str, PageSubject | None],
    path: str,
) -> Mapping[str, list[dict[str, Any]]]:
    """Return the items the user may open: `site`, `contest` and `selection`, each item with
    `path`, where its text is (`area`, `section`, `key`) and `is_here`."""
    items: dict[str, list[dict[str, Any]]] = {"site": [], "contest": [], "selection": []}
    if user is None:
        return items
    for item in theme.navigation:
        if item.roles and user.account.role not in item.roles:
            continue
        if "{slug}" not in item.path:
            items["site"].append(_entry(item, item.path, path))
            continue
        for name, subject in subjects.items():
            if subject is not None and item.path.startswith(f"/{name}s/"):
                target = item.path.replace("{slug}", subject.slug)
                items[name].append(_entry(item, target, path))
    return items


def _entry(item: NavItem, target: str, path: str) -> dict[str, Any]:
    area, section, key = item.text.split(".")
    return {
        "path": target,
        "area": area,
        "section": section,
        "key": key,
        "is_here": target == path,
    }


def moment_text(request: Request, value: datetime, zone: tzinfo) -> str:
    """Format a time in the reader's language."""
    return written_moment(value, zone, language_of_request(request))
