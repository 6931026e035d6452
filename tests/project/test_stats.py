"""What `make stats` counts, on modules written for it."""

from __future__ import annotations

import pytest

from tests.project.stats import (
    WINDOW_LINES,
    Module,
    chinese_lines,
    doubled_blocks,
    doubled_class_names,
    find_places,
    formatter_exceptions,
    late_imports,
    linter_exceptions,
    long_functions,
    many_parameters,
    measure,
    read_revision,
    render,
    sentences,
)


def module(text: str, path: str = "voting_service/a.py") -> Module:
    return Module(path, text)


def lines(places: list[str]) -> list[int]:
    """Return the line numbers of the places."""
    return [int(place.split(":")[1].split()[0]) for place in places]


def test_a_function_has_too_many_parameters_from_six_on() -> None:
    text = """
class A:
    def five(self, a, b, c, *, d, e): ...
    async def six(self, a, b, /, c, *, d, e, f): ...
"""
    assert lines(many_parameters([module(text)])) == [4]


def test_a_function_is_long_from_71_lines_on() -> None:
    text = "".join(f"def f{length}():\n" + "    pass\n" * (length - 1) for length in (70, 71))
    assert lines(long_functions([module(text)])) == [71]


def test_exceptions_are_comments_not_strings() -> None:
    text = 'a = 1  # noqa: E731\nb = "# noqa"\nc = [\n]  # fmt: skip\n# fmt: off\n'
    assert lines(linter_exceptions([module(text)])) == [1]
    assert lines(formatter_exceptions([module(text)])) == [4, 5]


def test_an_import_is_late_inside_a_function() -> None:
    text = "import a\nif a:\n    import b\ndef f():\n    def g():\n        from c import d\n"
    assert lines(late_imports([module(text)])) == [6]


@pytest.mark.parametrize(
    "statement",
    [
        "raise Refused('choose another name')",
        "raise errors.InvalidInput(f'{name} is not known')",
        "Fault('slug', 'must be between these')",
        "Fault.verbatim('slug', 'wrong', '格式不对')",
        "Text(zh='重庆', en='Chongqing')",
        "click.echo('the contest is open')",
        "raise Refused('short' if a else 'one that is longer')",
    ],
)
def test_a_sentence_is_counted(statement: str) -> None:
    assert lines(sentences([module(statement)])) == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "raise Refused('contests.keys.no_such_contest', slug=slug)",
        "raise RuntimeError('a lease is held twice')",
        "Fault('field', 'voting.cut.too_late', n=3)",
        "click.echo(text.zh)",
        "logger.info('a sentence of the log')",
        "Text(zh=a, en=b)",
    ],
)
def test_a_code_or_a_message_for_programmers_is_no_sentence(statement: str) -> None:
    assert sentences([module(statement)]) == []


def test_a_text_of_the_demo_is_data_and_its_error_is_a_sentence() -> None:
    text = "Text('重庆', 'The city of Chongqing')\nraise Refused('start the demo first')\n"
    assert lines(sentences([module(text, "voting_service/demo/a.py")])) == [2]


def test_chinese_is_counted_by_line_outside_the_demo() -> None:
    text = "a = '重庆市'\nb = 1  # 说明\nc = 'Chongqing'\n"
    modules = [module(text), module(text, "voting_service/a/q.sql")]
    assert lines(chinese_lines(modules)) == [1, 2, 1, 2]
    assert chinese_lines([module(text, "voting_service/demo/a.py")]) == []


def test_a_class_name_of_two_modules_is_doubled() -> None:
    modules = [
        module("class A: ...\nclass B:\n    class C: ..."),
        module("class A: ...\nclass C: ...", "voting_service/b.py"),
    ]
    assert doubled_class_names(modules) == ["A: voting_service/a.py:1, voting_service/b.py:1"]


def test_a_doubled_block_is_one_however_long_and_however_indented() -> None:
    block = [f"    call({name})" for name in "abcdefghi"]
    indented = [f"    {line}" for line in block]
    first = "\n".join(["import a", "def f():", *block])
    second = "\n".join(["def g():", "", "    # a comment", "    if a:", *indented])
    short = "\n".join(["def h():", *block[: WINDOW_LINES - 1]])
    modules = [
        Module(f"{name}.py", text) for name, text in zip("abc", (first, second, short), strict=True)
    ]
    places = doubled_blocks(modules)
    assert places == ["b.py:5 as a.py:3"]


def test_imports_that_stand_in_many_modules_are_no_doubled_block() -> None:
    text = "\n".join(f"import {name}" for name in "abcdefgh")
    assert doubled_blocks([module(text), module(text, "voting_service/b.py")]) == []


def test_the_table_has_a_row_for_each_measure_and_a_column_for_each_revision() -> None:
    modules = [module("a = 1\n"), module("b = 1\nc = 1\n"), module("select 1;", "a/b.sql")]
    values = measure(modules)
    assert values["lines"] == 3
    assert values["modules"] == 2
    assert set(find_places(modules)) < set(values)
    table = render({"before": values, "now": values}).splitlines()
    assert table[0].split() == ["before", "now"]
    assert table[1].split() == ["lines", "3", "3"]
    assert len(table) == 1 + len(values)


def test_a_revision_is_read_without_touching_the_tree() -> None:
    assert "voting_service/cli.py" in {module.path for module in read_revision("HEAD")}
