"""What cannot be undone asks first; found by the routes themselves, so that none is forgotten.

Every address of the staff's site that takes a post is named here: as one whose act can be undone,
or with its form, which asks by a question with a second button (signed_in/ask.html) or for a word
to be typed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voting_service.sites.console.routes import ROUTES as CONSOLE
from voting_service.sites.nomination.routes import ROUTES as NOMINATION

SITES = Path(__file__).parents[2] / "voting_service" / "sites"
POSTS = {route.path for route in (*CONSOLE, *NOMINATION) if "POST" in (route.methods or ())}

UNDOABLE = {
    # Somebody's own account and session: signed in again, or set again.
    "/account/end-session", "/account/openid", "/account/password", "/confirm", "/confirm/openid",
    "/accounts/{id:int}/end-session", "/invitation/{token}", "/kept/discard", "/sign-in",
    "/sign-in/openid", "/sign-out",
    # An invitation or a renewal is withdrawn, an account disabled.
    "/accounts/approve", "/accounts/invite", "/accounts/{id:int}/renew", "/bodies",
    "/bodies/{body}/invite", "/selections/{slug}/experts",
    # An address for messages is entered again; what is sent once more takes nothing away.
    "/account/contacts/{channel}", "/account/contacts/{channel}/remove",
    "/account/contacts/{channel}/verify", "/invitations/send", "/messages/{id:int}/send",
    "/selections/{slug}/messages/{kind}",
    # Looks, checks, renders or tries again.
    "/audit-log/check", "/audit-log/export", "/contests/{slug}/alarms/{alarm:int}/seen",
    "/jobs/{kind}/{id:int}/retry", "/selections/{slug}/review", "/selections/{slug}/documents",
    "/selections/{slug}/documents/minutes",
    "/selections/{slug}/shortlist/{recommendation:int}/check",
    # Proposals: nothing happens before a second person approves, and they can be withdrawn.
    "/contests/{slug}/corrections/{number:int}/correct",
    "/contests/{slug}/corrections/{number:int}/withdraw", "/contests/{slug}/holds/new",
    "/contests/{slug}/holds/proposals", "/contests/{slug}/publication/proposals",
    "/contests/{slug}/publication/tie", "/drafts/{draft:int}/announce", "/selections/{slug}/late",
    "/selections/{slug}/notice/objections/{objection:int}/replace", "/selections/{slug}/opinion",
    "/selections/{slug}/panel/close", "/selections/{slug}/panel/rules", "/selections/{slug}/result",
    "/selections/{slug}/shortlist", "/selections/{slug}/shortlist/publish-to-contest",
    "/selections/{slug}/shortlist/seed", "/selections/{slug}/shortlist/source",
    # Set to another value by the same form; after the announcement a proposal, too.
    "/contests/{slug}/settings/change/{setting}", "/contests/{slug}/settings/platforms/{platform}",
    "/contests/{slug}/settings/platforms/{platform}/change", "/drafts/new",
    "/drafts/{draft:int}/candidates/list", "/drafts/{draft:int}/candidates/pictures",
    "/drafts/{draft:int}/logo", "/drafts/{draft:int}/steps/{section}",
    "/selections/{slug}/notice/objections", "/selections/{slug}/opinion/stamp",
    "/selections/{slug}/recommendations/import", "/selections/{slug}/recommendations/new",
    "/selections/{slug}/recommendations/{recommendation:int}/copy",
    "/selections/{slug}/recommendations/{recommendation:int}/steps/{step}",
    "/selections/{slug}/recommendations/{recommendation:int}/steps/{step}.json",
    "/selections/{slug}/report", "/selections/{slug}/result/{number:int}",
    "/selections/{slug}/result/{number:int}/portrait",
    "/selections/{slug}/review/{recommendation:int}/notes",
    "/selections/{slug}/shortlist/{recommendation:int}",
    "/account/passkeys", "/account/passkeys/{passkey:int}/remove", "/sign-in/passkey",
    "/bodies/import", "/selections/{slug}/settings/contacts",
    "/selections/{slug}/settings/{approval:int}/approve",
    "/selections/{slug}/settings/earlier-winners", "/selections/{slug}/settings/body-contacts",
    "/selections/{slug}/settings/change/{section}",
    "/selections/{slug}/shortlist/draft", "/selections/{slug}/shortlist/draft.json",
    "/selections/{slug}/panel/candidates/{number:int}", "/selections/{slug}/panel/reopen",
    "/selections/{slug}/panel/conflicts/withdraw", "/selections/{slug}/review/download",
    "/selections/{slug}/review/bulk", "/selections/{slug}/review/bulk/accept",
    "/selections/{slug}/review/bulk/assign",
    # A reviewer reopens what was accepted, returned or rejected.
    "/selections/{slug}/review/{recommendation:int}/verdict",
    # What was declined or withdrawn is proposed again.
    *(path for path in POSTS if path.endswith("/decline")),
}  # fmt: skip
DECIDE, CARD = "console/templates/decide.html", "nomination/panel/templates/parts.html"
CHECK = "nomination/recommendations/templates/check.html"
SHORTLIST = "nomination/shortlist/templates"
ASKS = {
    "/accounts/revoke": "console/accounts/templates/accounts.html",
    "/accounts/{id:int}/disable": "console/accounts/templates/account.html",
    "/contests/{slug}/approvals/approve": "console/rulings/templates/approvals.html",
    "/contests/{slug}/corrections/approvals/{approval:int}/approve": DECIDE,
    "/contests/{slug}/publication/approvals/{approval:int}/approve": (
        "console/publication/templates/publication.html"
    ),
    "/contests/{slug}/settings/approvals/{approval:int}/approve": DECIDE,
    "/drafts/{draft:int}/approvals/{approval:int}/approve": "console/drafts/templates/draft.html",
    "/drafts/{draft:int}/discard": "console/drafts/templates/draft.html",
    "/objections/{objection:int}/answer": "console/objections/templates/objection.html",
    "/selections/{slug}/documents/certificates": "nomination/awards/templates/documents.html",
    "/selections/{slug}/documents/{document:int}/online": (
        "nomination/awards/templates/documents.html"
    ),
    "/selections/{slug}/late/{approval:int}/approve": (
        "nomination/recommendations/templates/late.html"
    ),
    "/selections/{slug}/notice/objections/{objection:int}/answer": f"{SHORTLIST}/notice.html",
    "/selections/{slug}/notice/publish": f"{SHORTLIST}/notice.html",
    "/selections/{slug}/opinion/{approval:int}/approve": "nomination/review/templates/opinion.html",
    "/selections/{slug}/panel/approvals/{approval:int}/approve": CARD,
    "/selections/{slug}/panel/conflicts": "nomination/panel/templates/panel.html",
    "/selections/{slug}/panel/sheet": "nomination/panel/templates/sheet.html",
    "/selections/{slug}/recommendations/{recommendation:int}/delete": CHECK,
    "/selections/{slug}/recommendations/{recommendation:int}/submit": CHECK,
    "/selections/{slug}/recommendations/{recommendation:int}/withdraw": CHECK,
    "/selections/{slug}/result/approvals/{approval:int}/approve": CARD,
    "/selections/{slug}/shortlist/approvals/{approval:int}/approve": f"{SHORTLIST}/parts.html",
}
"""The template with the form of each act that cannot be undone."""

_FORM = re.compile(r'<form\b[^>]*?action="((?:{{.*?}}|[^"])*)".*?</form>', re.S)
_ASKED = re.compile(r"{%-? call ask\(.*?{%-? endcall -?%}", re.S)


def test_every_post_can_be_undone_or_asks() -> None:
    assert POSTS - UNDOABLE - ASKS.keys() == set(), "new: say here which it is"
    assert (UNDOABLE | ASKS.keys()) - POSTS == set(), "gone"
    assert UNDOABLE & ASKS.keys() == set()


@pytest.mark.parametrize(("path", "template"), ASKS.items())
def test_what_cannot_be_undone_asks_first(path: str, template: str) -> None:
    text = (SITES / template).read_text(encoding="utf-8")
    ending = path.rpartition("/")[2]
    forms = [form for form in _FORM.finditer(text) if form[1].endswith(f"/{ending}")]
    assert forms, "the form is where this test looks for it"
    questions = [question.span() for question in _ASKED.finditer(text)]
    for form in forms:
        asks = any(
            start < form.start() < end or form.start() < start < form.end()
            for start, end in questions
        )
        assert asks or 'name="confirm"' in form[0]
