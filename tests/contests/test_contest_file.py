"""Every fault of a contest file is said, at its place, and none is invented."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.contests.contest_file.reader import ContestFile, load_contest_file
from voting_service.contests.model import BallotRules, CutRules, ReleaseSchedule, ScreeningRules
from voting_service.contests.phases import published_at
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text

VALID = """\
slug = "crafts-2022"
time_zone = "Asia/Shanghai"
list_order = "number"
expected_voters_per_day = 50_000
title = { zh = "选树", en = "Selection" }

[window]
opens_at = 2022-07-18T09:00:00
closes_at = 2022-08-17T18:00:00

[ballot]
min_choices = 1
max_choices = 3
every = "contest"

[release]
mode = "daily"
daily_at = 20:00:00
blackout_hours = 24

[cut]
size = 2
tie = "lot"
lot_source = { zh = "截止后首期双色球红球号码", en = "The first draw after the close" }

[[candidates]]
number = 1
name = "甲"
trade.zh = "焊工"
trade.en = "Welder"
district = { zh = "万盛", en = "Wansheng" }
summary = "s1"
story = \"\"\"
第一行
第二行
\"\"\"

[[candidates]]
number = 2
name = "乙"
trade = "t2"
district = "d2"
summary = "s2"
story = "long 2"

[[candidates]]
number = 3
name = "丙"
trade = "t3"
district = "d3"
summary = "s3"
story = "long 3"
"""


class Mistake(NamedTuple):
    """One line of VALID replaced, and the one fault it must lead to."""

    old: str
    new: str
    field: str
    message: str


MISTAKES = (
    Mistake('slug = "crafts-2022"', 'slug = "Crafts"', "slug", "2 to 40"),
    Mistake('time_zone = "Asia/Shanghai"', 'time_zone = "../etc"', "time_zone", "IANA"),
    Mistake('list_order = "number"', 'list_order = "age"', "list_order", "'shuffled' or"),
    Mistake("expected_voters_per_day = 50_000", "expected = 5", "expected", "is not a key"),
    Mistake(
        'title = { zh = "选树", en = "Selection" }',
        'title = { zh = "选树" }',
        "title.en",
        "missing",
    ),
    Mistake("min_choices = 1", "min_choices = true", "ballot.min_choices", "valid integer"),
    Mistake("max_choices = 3", "max_choices = 4", "ballot.max_choices", "of candidates is 3"),
    Mistake('every = "contest"', 'every = "hour"', "ballot.every", "'day' or 'contest'"),
    Mistake("daily_at = 20:00:00", 'daily_at = "20:00"', "release.daily_at", "without quotes"),
    Mistake(
        "blackout_hours = 24", "blackout_hours = 729", "release.blackout_hours", "shorter than"
    ),
    Mistake("size = 2", "size = 4", "cut.size", "but the number of candidates is 3"),
    Mistake('tie = "lot"', 'tie = "dice"', "cut.tie", "'committee', 'lot' or"),
    Mistake(
        'lot_source = { zh = "截止后首期双色球红球号码", en = "The first draw after the close" }',
        'lot_source = { zh = "", en = "The first draw after the close" }',
        "cut.lot_source.zh",
        "empty",
    ),
    Mistake("number = 1", "number = 0", "candidates[0].number", "greater than or equal to 1"),
    Mistake('name = "甲"', 'name = "\\u0000"', "candidates[0].name", "U+0000"),
    Mistake('trade.en = "Welder"', 'trade.en = "\\u202e"', "candidates[0].trade.en", "U+202E"),
    Mistake(
        'district = { zh = "万盛", en = "Wansheng" }',
        'district = { zh = "", en = "Wansheng" }',
        "candidates[0].district.zh",
        "is empty",
    ),
    Mistake("第二行", "字" * 1498, "candidates[0].story", "has 1501 characters, at most 1500"),
    Mistake(
        "number = 2", "number = 3", "candidates[2].number", "number 3 is also used by candidates[1]"
    ),
    Mistake('trade = "t2"', "trade = 7", "candidates[1].trade", "a text, or a table"),
    Mistake('story = "long 2"', "", "candidates[1].story", "is missing"),
    Mistake('summary = "s3"', f'summary = "{"x" * 301}"', "candidates[2].summary", "has 301"),
    Mistake('name = "丙"', "name = 2022-01-01", "candidates[2].name", "a text, or a table"),
    Mistake('story = "long 3"', 'story = "\ud800"', "candidates[2].story", "surrogate"),
)


def get_faults(source: Path | str) -> list[tuple[str, str]]:
    """Field and message of every fault; empty when the file is good."""
    try:
        load_contest_file(source)
    except InvalidInput as error:
        return [(fault.field, fault.message) for fault in error.faults]
    return []


def get_line(text: str, line: str) -> int:
    return text.split("\n").index(line) + 1


def get_place(text: str, mistake: Mistake) -> str:
    """Field and line of the mistake in `text`, the file with it and others in."""
    tables = [number for number, line in enumerate(text.split("\n"), 1) if line == "[[candidates]]"]
    if mistake.new == "number = 3":
        line = tables[2] + 1  # the second user of a number is at fault
    elif not mistake.new:
        line = tables[1]  # what is missing stands where its table begins
    elif mistake.old == "第二行":
        line = get_line(text, 'story = """')
    else:
        line = get_line(text, mistake.new)
    return f"{mistake.field} (line {line})"


def spoil(mistakes: list[Mistake]) -> str:
    text = f"\n{VALID}"
    for mistake in mistakes:
        text = text.replace(f"\n{mistake.old}\n", f"\n{mistake.new}\n")
    return text.removeprefix("\n")


def test_reads_everything() -> None:
    loaded = load_contest_file(VALID)
    assert loaded.slug == "crafts-2022"
    assert loaded.opens_at == datetime(2022, 7, 18, 1, tzinfo=UTC)
    assert loaded.closes_at == datetime(2022, 8, 17, 10, tzinfo=UTC)
    rules = loaded.rules
    assert rules.title == Text("选树", "Selection")
    assert rules.ballot == BallotRules(min_choices=1, max_choices=3, every="contest")
    assert rules.release == ReleaseSchedule("daily", time(20), blackout_hours=24)
    assert rules.cut == CutRules(
        size=2,
        tie="lot",
        lot_source=Text(
            "截止后首期双色球红球号码",
            "The first draw after the close",
        ),
    )
    assert (rules.list_order, rules.expected_voters_per_day) == ("number", 50_000)
    first, second, _third = loaded.candidates
    assert (first.name, second.name) == (Text("甲", "甲"), Text("乙", "乙"))
    assert first.trade == Text("焊工", "Welder")
    assert first.story == Text("第一行\n第二行", "第一行\n第二行")


def test_a_candidate_s_optional_fields() -> None:
    more = (
        'employer = { zh = "厂", en = "Works" }\nskill_grade = "高级技师"\n'
        'honours = ["能手", { zh = "奖章", en = "Medal" }]\nfilm = "https://news.example/films/1"\n'
    )
    text = VALID.replace("number = 1\n", f"number = 1\n{more}")
    first, second, _third = load_contest_file(text).candidates
    assert first.employer == Text("厂", "Works")
    assert first.skill_grade == Text("高级技师", "高级技师")
    assert first.honours == (Text("能手", "能手"), Text("奖章", "Medal"))
    assert first.film == "https://news.example/films/1"
    assert (second.employer, second.honours, second.film) == (None, (), None)
    stored = msgspec.to_builtins(second)
    assert set(stored) == {"number", "name", "trade", "district", "summary", "story"}


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('employer = ""', "candidates[0].employer"),
        (f'skill_grade = "{"x" * 121}"', "candidates[0].skill_grade"),
        ('honours = "one"', "candidates[0].honours"),
        (f"honours = {['x'] * 11}", "candidates[0].honours"),
        ('honours = ["a", 3]', "candidates[0].honours[1]"),
        ('film = "http://news.example/1"', "candidates[0].film"),
        ('film = "javascript:alert(1)"', "candidates[0].film"),
        (f'film = "https://news.example/{"x" * 300}"', "candidates[0].film"),
    ],
)
def test_optional_fields_refused(line: str, field: str) -> None:
    [(place, message)] = get_faults(VALID.replace("number = 1\n", f"number = 1\n{line}\n"))
    assert place.startswith(field), (place, message)


def candidates(count: int) -> str:
    texts = "".join(f'{key} = "x"\n' for key in ("name", "trade", "district", "summary", "story"))
    return "".join(f"[[candidates]]\nnumber = {n}\n{texts}" for n in range(1, count + 1))


def minimal(
    window: str = "", release: str = "", count: int = 30, zone: str = "Asia/Shanghai"
) -> str:
    window = window or "opens_at = 2022-07-18T09:00:00\ncloses_at = 2022-07-20T09:00:00"
    return (
        f'slug = "ab"\ntime_zone = "{zone}"\ntitle = {{ zh = "中", en = "E" }}\n'
        f"[window]\n{window}\n[release]\n{release}\n{candidates(count)}"
    )


def test_who_holds_a_contest_and_its_faults() -> None:
    lines = (
        'theme = "主题"', 'introduction = "一\\n二"', 'own_rules = { zh = "规则", en = "Rule" }',
        'telephone = "023-12345678"', 'email = "vote@example.org"', 'address = "某路1号"',
        'logo = "logo.png"', 'organisers = [{ role = "主办", name = "某单位" }]',
    )  # fmt: skip
    text = minimal(release="[cut]\npanel = true")
    loaded = load_contest_file("\n".join((*lines, text)))
    rules = loaded.rules
    assert rules.theme == Text("主题", "主题")
    assert rules.introduction == Text("一\n二", "一\n二")
    assert rules.own_rules == Text("规则", "Rule")
    assert [organiser.name.zh for organiser in rules.organisers] == ["某单位"]
    assert (rules.telephone, rules.email) == ("023-12345678", "vote@example.org")
    assert rules.cut.panel
    assert loaded.logo is not None
    assert loaded.logo.path.name == "logo.png"
    faulty = ('telephone = "call us"', 'email = "nobody"', 'logo = "../logo.png"', 'theme = " "')
    assert [place for place, _ in get_faults("\n".join((*faulty, text)))] == [
        f"{line.split()[0]} (line {number})" for number, line in enumerate(faulty, 1)
    ]
    assert load_contest_file(minimal()).rules.organisers == ()


def test_documented_defaults() -> None:
    rules = load_contest_file(minimal()).rules
    assert rules.ballot == BallotRules(min_choices=1, max_choices=10, every="day")
    assert rules.release == ReleaseSchedule("live", None, blackout_hours=0)
    assert rules.cut == CutRules(size=30, tie="committee")
    assert (rules.list_order, rules.expected_voters_per_day) == ("shuffled", 1_000_000)
    daily = load_contest_file(minimal(release='mode = "daily"')).rules.release
    assert daily.daily_at == time(20)


@pytest.mark.parametrize(
    ("cut", "fault"),
    [
        ('tie = "lot"', 'is required with the tie rule "lot" and not allowed with any other'),
        ('lot_source = "x"', 'is required with the tie rule "lot" and not allowed with any other'),
        ('tie = "lot"\nlot_source = "x"', None),
    ],
)
def test_where_a_drawn_number_comes_from_is_announced(cut: str, fault: str | None) -> None:
    faults = get_faults(minimal(release=f"[cut]\n{cut}"))
    assert [message for _, message in faults] == ([] if fault is None else [fault])


def test_defaults_are_checked_too() -> None:
    assert get_faults(minimal(count=9)) == [
        ("ballot.max_choices", "is 10, but the number of candidates is 9"),
        ("cut.size", "is 30, but the number of candidates is 9"),
    ]


@given(st.lists(st.sampled_from(MISTAKES), unique=True))
def test_every_fault_is_said_and_none_invented(mistakes: list[Mistake]) -> None:
    text = spoil(mistakes)
    faults = get_faults(text)
    expected = {get_place(text, mistake): mistake.message for mistake in mistakes}
    assert sorted(field for field, _ in faults) == sorted(expected)
    for field, message in faults:
        assert expected[field] in message
    lines = [int(number) for field, _ in faults for number in re.findall(r"line (\d+)", field)]
    assert lines == sorted(lines)


def test_names_both_users_of_a_number() -> None:
    text = VALID.replace("number = 3", "number = 1")
    first, third = get_line(text, "[[candidates]]"), len(VALID.split("\n")) - 6
    assert get_faults(text) == [
        (
            f"candidates[2].number (line {third})",
            f"number 1 is also used by candidates[0] (line {first})",
        )
    ]


@pytest.mark.parametrize(
    ("window", "zone", "field", "message"),
    [
        (("2022-07-18T09:00:00", "2022-07-18T09:00:00"), "UTC", "closes_at", "after opens_at"),
        (("2022-07-18T09:00:00", "2022-07-18T00:59:59Z"), "Asia/Shanghai", "closes_at", "after"),
        (("2022-07-18T09:00:00", "2023-07-20T09:00:00"), "UTC", "closes_at", "at most 366"),
        (("2022-03-27T02:30:00", "2022-07-18T09:00:00"), "Europe/Berlin", "opens_at", "not exist"),
        (("2022-07-18T09:00:00", "2022-10-30T02:30:00"), "Europe/Berlin", "closes_at", "twice"),
        (("0001-01-01T00:00:00+14:00", "2022-01-01T00:00:00"), "UTC", "opens_at", "the year 1"),
        (('"2022-07-18T09:00:00"', "2022-07-19T09:00:00"), "UTC", "opens_at", "without quotes"),
        (("2022-07-18", "2022-07-19T09:00:00"), "UTC", "opens_at", "TOML date and time"),
    ],
)
def test_windows_refused(window: tuple[str, str], zone: str, field: str, message: str) -> None:
    text = minimal(f"opens_at = {window[0]}\ncloses_at = {window[1]}", zone=zone)
    [(place, output)] = get_faults(text)
    assert place == f"window.{field} (line {5 if field == 'opens_at' else 6})"
    assert message in output


def test_clock_distinguished_by_its_offset() -> None:
    window = "opens_at = 2022-07-18T09:00:00\ncloses_at = 2022-10-30T02:30:00+01:00"
    loaded = load_contest_file(minimal(window, zone="Europe/Berlin"))
    assert loaded.closes_at == datetime(2022, 10, 30, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("release", "field", "message"),
    [
        ("daily_at = 20:00:00", "daily_at", 'not to "live"'),
        ('mode = "hidden"\ndaily_at = 20:00:00', "daily_at", 'not to "hidden"'),
        ("blackout_hours = 48", "blackout_hours", "shorter than the voting period"),
        ("blackout_hours = -1", "blackout_hours", "greater than or equal to 0"),
        ("blackout_hours = 1.0", "blackout_hours", "valid integer"),
    ],
)
def test_release_schedules_refused(release: str, field: str, message: str) -> None:
    [(place, output)] = get_faults(minimal(release=release))
    assert place.startswith(f"release.{field} (line ")
    assert message in output


@pytest.mark.parametrize(
    ("screening", "field", "message"),
    [
        ('captcha = "turnstile"', "site_key", "is missing; the console of turnstile shows it"),
        ('site_key = "0x4AAA"', "site_key", "only applies together with a captcha"),
        ('captcha = "recaptcha"\nsite_key = "0x4AAA"', "captcha", "must be 'turnstile', 'geetest'"),
        ('captcha = "yidun"\nsite_key = "a b"', "site_key", "must be 4 to 64 of a-z"),
        (
            'captcha = "yidun"\nsite_key = "0123"\nchallenge = false',
            "captcha",
            "is never used while challenge is false",
        ),
        ("hold = 1", "hold", "valid boolean"),
        ('secret = "planted"', "secret", "is not a key of a contest file"),
    ],
)
def test_screening_refused(screening: str, field: str, message: str) -> None:
    [(place, output)] = get_faults(minimal(release=f"[screening]\n{screening}"))
    assert place.startswith(f"screening.{field} (line ")
    assert message in output
    assert "planted" not in output


def test_screening_names_a_captcha() -> None:
    assert load_contest_file(minimal()).rules.screening == ScreeningRules()
    text = minimal(release='[screening]\ncaptcha = "geetest"\nsite_key = "0123abcd"')
    screening = load_contest_file(text).rules.screening
    assert screening == ScreeningRules(captcha="geetest", site_key="0123abcd")


def test_more_names_at_least_than_at_most() -> None:
    text = VALID.replace("min_choices = 1", "min_choices = 4")
    [(field, message)] = get_faults(text)
    assert field == f"ballot.min_choices (line {get_line(text, 'min_choices = 4')})"
    assert message == "is 4, more than max_choices, which is 3"


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ('a = "x"\nb = \nc = 3', "line 2, column 5", "Invalid value"),
        ("a = 1\na = 2", "line 2", "overwrite"),
        ('a = "\nb', "line 1, column 6", "never closed"),
        ('a = 1\nb = """x\ny\n', "line 2", "three quotes"),
        ("a = [1,\n2", "line 2", "Unclosed bracket"),
        ("a: 1", "line 1, column 2", "needs an equals sign"),
        ('a = "C:\\pics"', "line 1, column 10", "type it twice"),
        ("[a]\n[a]", "line 2", "remove one of the two"),
        ("a = 1\nb = 9:30", "line 2, column 6", "one key = value on each line"),
        ("\u6700 = 1", "line 1, column 1", "does not begin with a key"),
        ("a = " + "1" * 5000, "", "is not valid TOML"),
        ("a = " + "[" * 5000, "", "nested too deeply"),
    ],
)
def test_a_toml_fault_names_the_line_and_what_to_type(text: str, field: str, message: str) -> None:
    [(place, output)] = get_faults(text)
    assert place.startswith(field)
    assert message in output


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (
            "slug = \u201ca\u201d\ntitle = \u2018b\u2019",
            [("1, column 8", '"'), ("1, column 10", '"'), ("2, column 9", "'")],
        ),
        ('slug \uff1d "a"', [("1, column 6", "=")]),
        ('title = { zh = "a\u201c, en = "x" }', [("1, column 18", '"')]),
        ('title = { zh = "a"\uff0c en = "b" }', [("1, column 19", ",")]),
        ('# \u201c\u201d\na = "\u201cq\u201d"\nb = \u201cx\u201d', [("3, column 5", '"')]),
        ("at = 20\uff1a00\uff1a00", [("1, column 8", ":"), ("1, column 11", ":")]),
        ("n = \uff11", [("1, column 5", "1")]),
    ],
)
def test_characters_of_a_chinese_keyboard_are_named_with_what_to_type(
    text: str, typed: list[tuple[str, str]]
) -> None:
    faults = get_faults(text)
    assert faults
    for place, plain in typed:
        assert any(
            field == f"line {place}" and message.endswith(f"type {plain} instead")
            for field, message in faults
        ), faults


@pytest.mark.parametrize(
    "text",
    [
        "",
        "candidates = 3\nwindow = 3\nballot = []\nrelease = 1\ncut = true\ntitle = 'x'",
        "candidates = []",
        "candidates = [1, {}, [2]]",
        "[candidates]\na = 1",
        'window = { opens_at = 2022-01-01T00:00:00, closes_at = 1 }\n"\\u0000 [0]" = 1',
        f"cut.size = {'9' * 4000}\nballot = {{ min_choices = {'9' * 4000} }}",
    ],
)
def test_wrong_shapes_are_faults(text: str) -> None:
    faults = get_faults(text)
    assert ("slug", "is missing") in faults
    assert len(set(faults)) == len(faults)


@given(st.text())
def test_no_text_does_anything_else_than_be_refused(text: str) -> None:
    assert get_faults(text)


def test_characters_are_counted_as_read() -> None:
    accents = VALID.replace('name = "甲"', 'name = "' + "q\u0323\u0301" * 120 + '"')
    assert get_faults(accents) == []
    [(_, message)] = get_faults(accents.replace('= "q', '= "qq', 1))
    assert "has 121 characters" in message


class TestFiles:
    """What only a file in a folder can get right or wrong."""

    def load(self, folder: Path, portrait: str) -> list[tuple[str, str]]:
        file = folder / "contest.toml"
        text = VALID.replace('name = "甲"', f"portrait = '{portrait}'\nname = \"甲\"")
        file.write_text(text, encoding="utf-8")
        return get_faults(file)

    def test_portrait_inside_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "pictures").mkdir()
        (tmp_path / "pictures" / "01.PNG").write_bytes(b"x")
        assert self.load(tmp_path, "pictures/01.PNG") == []
        loaded: ContestFile = load_contest_file(tmp_path / "contest.toml")
        assert loaded.folder is not None
        [portrait] = loaded.pictures
        assert (portrait.number, portrait.kind) == (1, "portrait")
        assert portrait.path == Path("pictures/01.PNG")
        assert portrait.place.startswith("candidates[0].portrait (line ")
        assert (loaded.folder / portrait.path).is_file()

    @pytest.mark.parametrize(
        ("portrait", "message"),
        [
            ("missing.png", "there is no file"),
            ("../outside.png", "inside the folder of the contest file"),
            ("a/../../outside.png", "inside the folder of the contest file"),
            ("/etc/outside.png", "inside the folder of the contest file"),
            ("a\\b.png", "inside the folder of the contest file"),
            ("link.png", "leads out of"),
            ("loop.png", "there is no file"),
            ("contest.toml", "must be a picture"),
            ("drawing.svg", "must be a picture"),
            ("folder.png", "is not a file"),
            (f"{'x' * 300}.png", "has 304 characters"),
        ],
    )
    def test_portraits_refused(self, tmp_path: Path, portrait: str, message: str) -> None:
        folder = tmp_path / "contest"
        (folder / "folder.png").mkdir(parents=True)
        (tmp_path / "outside.png").write_bytes(b"x")
        (folder / "link.png").symlink_to(tmp_path / "outside.png")
        (folder / "loop.png").symlink_to(folder / "loop.png")
        [(field, output)] = self.load(folder, portrait)
        assert field == f"candidates[0].portrait (line {get_line(VALID, 'number = 1') + 1})"
        assert message in output

    def test_pictures_are_named_with_captions(self, tmp_path: Path) -> None:
        (tmp_path / "01.png").write_bytes(b"x")
        assert self.load(tmp_path, "01.png") == []
        text = (tmp_path / "contest.toml").read_text(encoding="utf-8")
        picture = '[[candidates.pictures]]\nfile = "01.png"\ncaption = "车间"\n'
        file = tmp_path / "pictures.toml"
        file.write_text(text + picture * 2, encoding="utf-8")
        portrait, first, second = load_contest_file(file).pictures
        assert (portrait.number, portrait.kind, portrait.caption) == (1, "portrait", None)
        assert (first.number, first.kind, first.caption) == (3, "picture", Text("车间", "车间"))
        assert second.place.startswith("candidates[2].pictures[1].file (line ")
        for spoiled, message in (
            (picture.replace("01.png", "02.png"), "there is no file"),
            (picture.replace("01.png", "../01.png"), "inside the folder of the contest file"),
            (picture.replace('"车间"', '""'), "is empty"),
            (picture.split("caption", maxsplit=1)[0], "is missing"),
            ("pictures = 1\n", "must be an array of tables"),
            (picture * 9, "at most 8 items"),
        ):
            file.write_text(text + spoiled, encoding="utf-8")
            [(field, output)] = get_faults(file)
            assert field.startswith("candidates[2].pictures")
            assert message in output

    def test_byte_order_mark_and_windows_line_ends(self, tmp_path: Path) -> None:
        file = tmp_path / "contest.toml"
        file.write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
        assert load_contest_file(file).candidates == load_contest_file(VALID).candidates

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
    def test_what_editors_save_it_in(self, tmp_path: Path, encoding: str) -> None:
        file = tmp_path / "contest.toml"
        file.write_bytes(VALID.encode(encoding))
        assert load_contest_file(file).candidates == load_contest_file(VALID).candidates

    def test_bytes_that_are_no_text_are_named_with_the_line(self, tmp_path: Path) -> None:
        file = tmp_path / "contest.toml"
        file.write_bytes(b"# one line\n" + b"\xff\xff" + VALID.encode())
        assert get_faults(file) == [("line 2", "is not UTF-8; save the file as UTF-8")]

    def test_no_such_file(self, tmp_path: Path) -> None:
        missing = tmp_path / "none.toml"
        assert get_faults(missing) == [(str(missing), "cannot be read: No such file or directory")]


OPENS = "opens_at = 2022-07-18T09:00:00"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("publish_at = 2022-07-18T09:00:01", "must not be after opens_at"),
        ("publish_at = 2022-07-18T01:00:01Z", "must not be after opens_at"),
        ('publish_at = "2022-07-18"', "must be a TOML date and time"),
        ("publish_at = 1999-07-18T09:00:00", "the year 1999 is out of range"),
    ],
)
def test_a_moment_of_publication_that_cannot_be_is_a_fault(line: str, message: str) -> None:
    [(field, output)] = get_faults(VALID.replace(OPENS, f"{OPENS}\n{line}"))
    assert field == f"window.publish_at (line {get_line(VALID, OPENS) + 1})"
    assert message in output


def test_profiles_come_out_when_the_file_states_or_when_voting_opens() -> None:
    by_default = load_contest_file(VALID)
    assert by_default.rules.publish_at is None
    assert published_at(by_default) == by_default.opens_at
    named = load_contest_file(VALID.replace(OPENS, f"{OPENS}\npublish_at = 2022-07-18T08:00:00"))
    assert published_at(named) == datetime(2022, 7, 18, 0, 0, tzinfo=UTC)
    same = load_contest_file(VALID.replace(OPENS, f"{OPENS}\npublish_at = 2022-07-18T01:00:00Z"))
    assert published_at(same) == same.opens_at


def test_the_documented_examples_are_good() -> None:
    page = Path(__file__).parents[2] / "docs" / "contest-file.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    example, screening = blocks
    faults = get_faults(example)
    assert [message for _, message in faults] == [
        "is 10, but the number of candidates is 1",
        "is 30, but the number of candidates is 1",
    ]
    assert load_contest_file(minimal(release=screening)).rules.screening.captcha == "turnstile"
