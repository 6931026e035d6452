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
    page, left, has_form, button, form_id, act = fill_in(
        PAGE,
        "/one",
        {
            "seen": ["old"], "note": ["a\"b<", "c"], "password": ["secret"], "text": ["\n一\n<i>"],
            "box": ["b"], "one": ["yes"], "of": ["Two"], "go": ["next"], "gone": ["kept"],
        },
    )  # fmt: skip
    assert has_form
    assert (button, form_id, act) == ("Save", "kept-one", None)
    assert '<form method="post" action="/one" id="kept-one">' in page
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


def test_of_buttons_alike_the_form_s_own_is_named() -> None:
    elsewhere = '<button form="f" name="go" value="3">3</button>'
    page = (
        f'{elsewhere}<form method="post" action="/f" id="f"><input name="points">'
        f'<button name="go" value="3">Next</button></form>{elsewhere}'
    )
    assert fill_in(page, "/f", {"points": ["9"], "go": ["3"]}).button == "Next"


def test_of_forms_alike_the_one_with_the_same_hidden_fields_is_meant() -> None:
    page = fill_in(PAGE, "/rows", {"row": ["2"], "why": ["second"]}).page
    assert page.index("second", page.index("/rows")) > page.index('name="row" value="2"')
    ticked = fill_in(PAGE, "/rows", {"row": ["1"], "also": ["1"]}).page
    assert 'form="rows" name="also" value="1" checked' in ticked
    for path, fields in (("/rows", {"row": ["3"], "why": ["x"]}), ("/two", {"why": ["x"]})):
        filled = fill_in(PAGE, path, fields)
        assert (filled.page, filled.left.get("why"), filled.has_form) == (PAGE, ["x"], False)


ACTS = """<form method="post" action="/go"><input type="hidden" name="csrf" value="x">
<input type="hidden" name="seen" value="new"><input type="hidden" name="row" value="1">
<details class="ask"><summary>Go</summary><div><p>For &lt;good&gt;?</p><p>Two</p>
<button name="how" value="all">Go</button></div></details><button>Stay</button></form>
<form method="post" action="/typed"><input name="note"><button>Save</button></form>
<form method="post" action="/off"><button disabled>Off</button></form>
<form method="post" action="/script"><input type="hidden" name="by_script"><button>Sign</button>
</form>"""


def test_a_form_into_which_nothing_is_typed_is_an_act_with_its_question() -> None:
    same = {"seen": ["old"], "row": ["1"]}
    behind_question = fill_in(ACTS, "/go", {**same, "how": ["all"]}).act
    assert behind_question is not None
    assert behind_question.fields == [("seen", "old"), ("row", "1"), ("how", "all")]
    assert behind_question.question == "For <good>?"
    plain = fill_in(ACTS, "/go", same).act
    assert plain is not None
    assert (plain.fields, plain.question) == ([("seen", "old"), ("row", "1")], "")
    for path, fields in (
        ("/go", {**same, "row": ["1", "2"]}),
        ("/go", {**same, "how": ["some"]}),
        ("/typed", {"note": [""]}),
        ("/off", {}),
        ("/script", {"by_script": ["signed"]}),
    ):
        assert fill_in(ACTS, path, fields).act is None, path


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=60))
def test_a_text_is_filled_in_as_it_was_typed_and_only_there(text: str) -> None:
    before = {"text": ["before <b>"], "note": ["old", "second"]}
    typed = fill_in(PAGE, "/one", {"text": [text], "note": [text]}).page
    undone = fill_in(typed, "/one", before).page
    assert undone.replace(MARKED, "") == fill_in(PAGE, "/one", before).page.replace(MARKED, "")
