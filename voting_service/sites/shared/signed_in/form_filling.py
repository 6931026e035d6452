"""Fill in a form of a finished page with what somebody typed into it before.

Works on the HTML that our templates write, for every form alike: no view has to know. All of the
page but the values of the form's controls stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlsplit

Fields = Mapping[str, Sequence[str]]
VERSIONS = frozenset({"seen", "marked", "revision"})
"""The hidden fields with the version of what is changed, as the page showed it, and which faults
it marked. They are filled in, so that a change in the meantime is noticed; all other hidden fields
are what a form is about."""
KEPT = "kept"
"""The hidden field that a filled form posts, because it contains what was kept."""
FORM_PAGE = "form_page"
"""The hidden field of a form shown again after a refusal: the address of its page, which the
address in the browser no longer is."""
_TICKED = frozenset({"checkbox", "radio"})
_NOT_FILLED = frozenset({"hidden", "password", "file", "submit", "button", "image", "reset"})


@dataclass
class _Control:
    """A control and where its start tag and, for a text area, its text stand in the page; `words`
    are those on a button, `question` the one that it stands in (ask.html)."""

    tag: str
    attributes: dict[str, str | None]
    start: int
    end: int
    text_end: int = -1
    options: list[_Control] = field(default_factory=list)
    words: str = ""
    question: str = ""

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    @property
    def type(self) -> str:
        return (self.get("type") or "text") if self.tag == "input" else self.tag


@dataclass
class _Form:
    path: str
    id: str
    media_type: str
    end: int
    controls: list[_Control] = field(default_factory=list)

    def is_about(self, fields: Fields) -> bool:
        """Return whether the hidden fields are those that were posted. A script writes into those
        that the page leaves empty."""
        return all(
            control.get("value") in fields.get(control.get("name"), ())
            for control in self.controls
            if control.type == "hidden"
            and control.get("name") not in {*VERSIONS, KEPT, FORM_PAGE, "csrf"}
            and control.get("value")
        )

    def button(self, fields: Fields) -> _Control | None:
        """Return the button that was pressed, the last of several alike, else the first that posts
        nothing of its own, else the first; None without one."""
        buttons = [
            control
            for control in self.controls
            if control.tag == "button" and control.get("type") in {"", "submit"}
        ]
        pressed = [b for b in buttons if b.get("value") in fields.get(b.get("name"), ())]
        unnamed = [button for button in buttons if not button.get("name")]
        return next(iter([*reversed(pressed), *unnamed, *buttons]), None)

    def act(self, fields: Fields) -> Act | None:
        """Return what the form does where nobody types anything into it, and it would post again
        what was posted; None for any other form."""
        button = self.button(fields)
        hidden = [control for control in self.controls if control.tag != "button"]
        if button is None or "disabled" in button.attributes:
            return None
        if any(control.type != "hidden" for control in hidden):
            return None
        posts: list[tuple[str, str]] = []
        for control in (*hidden, button):
            name, value = control.get("name"), control.get("value")
            if name and name not in {KEPT, FORM_PAGE, "csrf"}:
                texts = fields.get(name, ()) if name in VERSIONS else (value,)
                posts += ((name, text) for text in texts)
        posted = [(name, text) for name, texts in fields.items() for text in texts]
        is_same = sorted(posts) == sorted(pair for pair in posted if pair[0] != FORM_PAGE)
        return Act(posts, button.question, self.media_type) if is_same else None


class Act(NamedTuple):
    """What a form does that only has a button: the fields that it posts, the question that it
    asks before, "" for none, and its media type."""

    fields: Sequence[tuple[str, str]]
    question: str
    media_type: str


class _Forms(HTMLParser):
    """The forms of a page with their controls, also those that stand elsewhere and name theirs."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        # As the parser counts: a line ends with "\n" and nothing else.
        self._lines = [0, *(place for place, sign in enumerate(page, start=1) if sign == "\n")]
        self.forms: list[_Form] = []
        self._elsewhere: list[_Control] = []
        self._in_form = False
        self._open: _Control | None = None
        self._button: _Control | None = None
        self._questions: list[str | None] = []
        self._is_question = False
        self.feed(page)
        self.close()
        # Before the form's own: of buttons alike the form's is named, not one far from it.
        for form in self.forms:
            form.controls[:0] = [c for c in self._elsewhere if form.id and c.get("form") == form.id]

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self._in_form = True
            path = urlsplit(attributes.get("action") or "").path
            is_post = attributes.get("method") == "post"
            end = self._place() + len(self.get_starttag_text() or "")
            form_id, media_type = attributes.get("id") or "", attributes.get("enctype") or ""
            self.forms.append(_Form(path if is_post else "", form_id, media_type, end))
        elif tag == "details":
            is_ask = "ask" in (attributes.get("class") or "").split()
            self._questions.append("" if is_ask else None)
        elif tag == "p" and self._questions and self._questions[-1] == "":
            self._is_question = True
        if tag not in {"input", "textarea", "select", "option", "button"}:
            return
        start = self._place()
        control = _Control(tag, attributes, start, start + len(self.get_starttag_text() or ""))
        if tag == "option":
            if self._open is not None:
                self._open.options.append(control)
            return
        if tag in {"textarea", "select"}:
            self._open = control
        if tag == "button":
            self._button = control
            control.question = next((text for text in reversed(self._questions) if text), "")
        if control.get("form"):
            self._elsewhere.append(control)
        elif self._in_form:
            self.forms[-1].controls.append(control)

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._open.options:
            option = self._open.options[-1]
            option.attributes.setdefault("value", data.strip())
        if self._button is not None:
            self._button.words += data
        if self._is_question:
            self._questions[-1] = f"{self._questions[-1] or ''}{data}"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        elif tag == "button":
            self._button = None
        elif tag == "p":
            self._is_question = False
        elif tag == "details" and self._questions:
            self._questions.pop()
        elif tag in {"textarea", "select"} and self._open is not None:
            self._open.text_end = self._place()
            self._open = None


class Filled(NamedTuple):
    """A page with a form filled in; `left` are the typed texts for which it has no control,
    `has_form` is whether it has the form, `button` the words on its button that was pressed,
    `id` that of the form, and `act` what it does, where nothing is typed into it."""

    page: str
    left: dict[str, list[str]]
    has_form: bool
    button: str = ""
    id: str = ""
    act: Act | None = None


def fill_in(page: str, path: str, fields: Fields) -> Filled:
    """Fill in the form that posts to `path` and has the hidden fields that were posted."""
    forms = (form for form in _Forms(page).forms if form.path == path and form.is_about(fields))
    form = next(forms, None)
    if form is None:
        left = {name: texts for name, texts in _texts(fields) if name not in VERSIONS}
        return Filled(page, left, has_form=False)
    used: dict[str, int] = {}
    edits = [(form.end, form.end, f'<input type="hidden" name="{KEPT}" value="yes">')]
    for control in form.controls:
        name = control.get("name")
        texts = fields.get(name, ())
        place = used.get(name, 0)
        used[name] = place + 1
        edits.extend(_edits(control, texts, texts[place] if place < len(texts) else None))
    form_id = form.id or f"kept{path.replace('/', '-')}"
    if not form.id:
        edits.append((form.end - 1, form.end - 1, f' id="{escape(form_id)}"'))
    left = {name: texts for name, texts in _texts(fields) if name not in used}
    button = form.button(fields)
    return Filled(
        _edited(page, edits),
        left,
        has_form=True,
        button=button.words.strip() if button else "",
        id=form_id,
        act=None if left else form.act(fields),
    )


class FormFault(NamedTuple):
    """What is wrong with a field, in the reader's words; with the form as a whole where `field` is
    empty or no control of the form."""

    field: str
    text: str


class RefusedForm(NamedTuple):
    """A form that was refused: where it posts to, the address of its page ("" where the browser
    shows that one), what was typed, why it was refused, and the fields whose files are lost."""

    path: str
    page: str
    fields: Fields
    faults: Sequence[FormFault] = ()
    files: Sequence[str] = ()


class Marked(NamedTuple):
    """A page with faults beside the fields of a form; `links` are the ids of their controls, by
    field."""

    page: str
    links: dict[str, str]


def mark_faults(page: str, refused: RefusedForm) -> Marked:
    """Put each fault of a form before the first control of its field, and the address of the page
    into the form. Boxes and buttons, of which many share a name, are linked to and not marked."""
    forms = _Forms(page).forms
    form = next((f for f in forms if f.path == refused.path and f.is_about(refused.fields)), None)
    if form is None:
        return Marked(page, {})
    edits = []
    if refused.page:
        of_page = f'<input type="hidden" name="{FORM_PAGE}" value="{escape(refused.page)}">'
        edits.append((form.end, form.end, of_page))
    links: dict[str, str] = {}
    for field_name in dict.fromkeys(fault.field for fault in refused.faults if fault.field):
        control = next((c for c in form.controls if _has_fault(c, field_name)), None)
        if control is None:
            continue
        target = control.get("id") or f"field-{len(links)}"
        links[field_name] = target
        own = [escape(fault.text) for fault in refused.faults if fault.field == field_name]
        texts = f'<span class="fault" id="{escape(target)}-fault">{"<br>".join(own)}</span>'
        if control.type in _NOT_FILLED | _TICKED and control.type != "file":
            edits.append(_tag(control, id=target))
            continue
        described = f"{control.get('aria-describedby')} {target}-fault".strip()
        start, end, tag = _tag(
            control, id=target, **{"aria-invalid": "true", "aria-describedby": described}
        )
        edits.append((start, end, texts + tag))
    return Marked(_edited(page, edits), links)


def _has_fault(control: _Control, field_name: str) -> bool:
    """Return whether a fault of a field, such as `choices[2]`, is a control's."""
    name = control.get("name")
    return bool(name) and control.type != "hidden" and re.split(r"[\[. ]", field_name)[0] == name


def _edited(page: str, edits: Iterable[tuple[int, int, str]]) -> str:
    for start, end, text in sorted(edits, reverse=True):
        page = page[:start] + text + page[end:]
    return page


def _texts(fields: Fields) -> Iterable[tuple[str, list[str]]]:
    for name, texts in fields.items():
        if any(texts):
            yield name, [text for text in texts if text]


def _edits(
    control: _Control, texts: Sequence[str], text: str | None
) -> Iterable[tuple[int, int, str]]:
    if control.type in _TICKED:
        # A box that is not ticked is not posted; of radio buttons one is, or none was chosen.
        yield _tag(control, checked=(control.get("value") or "on") in texts)
    elif control.type == "select":
        if texts:
            for option in control.options:
                yield _tag(option, selected=option.get("value") in texts)
    elif control.type == "textarea":
        if text is not None:
            # HTML drops one line break at the start.
            yield control.end, control.text_end, "\n" + escape(text)
    elif text is not None and (control.get("name") in VERSIONS or control.type not in _NOT_FILLED):
        yield _tag(control, value=text)


def _tag(control: _Control, **changed: str | bool) -> tuple[int, int, str]:
    attributes: dict[str, str | bool | None] = {**control.attributes, **changed}
    written = "".join(
        f" {name}" if value is None or value is True else f' {name}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not False
    )
    return control.start, control.end, f"<{control.tag}{written}>"
