"""A form of a finished page is filled in; nothing else of the page changes."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from voting_service.sites.shared.signed_in.form_filling import fill_in

PAGE = """<main><p>name="note" value="x" &amp; more\u2028</p>
<form method="post" action="/one"><input type="hidden" name="csrf" value="fresh">
<input type="hidden" name="seen" value="new"><input name="note" value="old" required>
<input name="note" value="second"><input type="password" name="password">
<textarea name="text" rows="3">
before &lt;b&gt;</textarea>
<input type="checkbox" name="box" value="a" checked> <input type="checkbox" name="box" value="b">
<input type="radio" name="one" value="yes"><input type="radio" name="one" value="no" checked>
<select name="of"><option value="">–</option><option value="1" selected>One</option>
<option>Two</option></select><button name="go" value="stay">Save</button></form>
<form method="post" action="/rows" id="rows"><input type="hidden" name="row" value="1">
<input name="why"></form>
<form method="post" action="/rows"><input type="hidden" name="row" value="2">
<input name="why"></form>
<input type="checkbox" form="rows" name="also" value="1"></main>"""


MARKED = '<input type="hidden" name="kept" value="yes">'


def test_every_kind_of_control() -> None:
    page, left, has_form, button = fill_in(
        PAGE,
        "/one",
        {
            "seen": ["old"], "note": ["a\"b<", "c"], "password": ["secret"], "text": ["\n一\n<i>"],
            "box": ["b"], "one": ["yes"], "of": ["Two"], "go": ["next"], "gone": ["kept"],
        },
    )  # fmt: skip
    assert has_form
    assert button == "Save"
    assert left == {"gone": ["kept"]}
    assert 'value="fresh"' in page
    assert 'name="seen" value="old"' in page
    assert '<input name="note" value="a&quot;b&lt;" required>' in page
    assert '<input name="note" value="c">' in page
    assert "secret" not in page
    assert '<textarea name="text" rows="3">\n\n一\n&lt;i&gt;</textarea>' in page
    assert re.findall(r'<input type="checkbox" name="box"[^>]*>', page) == [
        '<input type="checkbox" name="box" value="a">',
        '<input type="checkbox" name="box" value="b" checked>',
    ]
    assert '<input type="radio" name="one" value="yes" checked>' in page
    assert '<option value="1">One</option>' in page
    assert re.search(r"<option[^>]* selected>Two", page)
    assert page.startswith(PAGE[: PAGE.index("<form")])


def test_of_forms_alike_the_one_with_the_same_hidden_fields_is_meant() -> None:
    page, _, has_form, _ = fill_in(PAGE, "/rows", {"row": ["2"], "why": ["second"]})
    assert has_form
    assert page.index("second", page.index("/rows")) > page.index('name="row" value="2"')
    ticked = fill_in(PAGE, "/rows", {"row": ["1"], "also": ["1"]}).page
    assert 'form="rows" name="also" value="1" checked' in ticked
    for path, fields in (("/rows", {"row": ["3"], "why": ["x"]}), ("/two", {"why": ["x"]})):
        page, left, has_form, _ = fill_in(PAGE, path, fields)
        assert (page, left.get("why"), has_form) == (PAGE, ["x"], False)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=60))
def test_a_text_is_filled_in_as_it_was_typed_and_only_there(text: str) -> None:
    before = {"text": ["before <b>"], "note": ["old", "second"]}
    typed = fill_in(PAGE, "/one", {"text": [text], "note": [text]}).page
    undone = fill_in(typed, "/one", before).page
    assert undone.replace(MARKED, "") == fill_in(PAGE, "/one", before).page.replace(MARKED, "")
