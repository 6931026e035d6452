"""Pictures from the command line: with a contest, later, and away again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.commands import Command, run_command, set_environment
from tests.contest_data import SLUG, store_contest
from tests.picture_files import (
    halves,
    jpeg,
    png_head,
    saved,
)
from voting_service.contests.pictures.repository import load_all_pictures, load_owners
from voting_service.contests.repository import load_contest, load_contests
from voting_service.errors import (
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings

FILE = """\
slug = "crafts"
time_zone = "Asia/Shanghai"
title = { zh = "选树", en = "Selection" }
ballot = { max_choices = 2 }
cut = { size = 1 }

[window]
publish_at = 2022-07-18T08:00:00
opens_at = 2022-07-18T09:00:00
closes_at = 2022-08-17T18:00:00

[[candidates]]
number = 7
name = "候选人甲"
trade = "焊工"
district = "万盛"
summary = "x"
story = "x"
portrait = "portraits/7.jpg"

[[candidates.pictures]]
file = "work.png"
caption = { zh = "车间", en = "The workshop" }

[[candidates]]
number = 8
name = "候选人乙"
trade = "焊工"
district = "万盛"
summary = "x"
story = "x"
portrait = "portraits/8.jpg"
"""


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings, master_key=settings.master_key.get_secret_value())
    return run_command


@pytest.fixture
def contest_file(tmp_path: Path) -> Path:
    (tmp_path / "portraits").mkdir()
    (tmp_path / "portraits" / "7.jpg").write_bytes(jpeg())
    (tmp_path / "portraits" / "8.jpg").write_bytes(jpeg(800, 800))
    (tmp_path / "work.png").write_bytes(saved(halves(900, 600), "PNG"))
    file = tmp_path / "contest.toml"
    file.write_text(FILE, encoding="utf-8")
    return file


async def test_a_contest_comes_with_its_pictures(
    command: Command, contest_file: Path, database: Connection
) -> None:
    answer = await command("contest", "import", contest_file)
    assert "published   2022-07-18 08:00" in answer.output
    contest = await load_contest(database, "crafts")
    pictures = await load_all_pictures(database, contest.id)
    assert [picture.kind for picture in pictures[7]] == ["portrait", "picture"]
    assert pictures[7][1].caption == Text(zh="车间", en="The workshop")
    assert [(picture.width, picture.height) for picture in pictures[8]] == [(640, 896)]


async def test_every_bad_picture_is_named_at_its_place_and_nothing_is_stored(
    command: Command, contest_file: Path, database: Connection
) -> None:
    folder = contest_file.parent
    (folder / "portraits" / "7.jpg").write_bytes(png_head(400, 560))
    (folder / "portraits" / "8.jpg").write_bytes(jpeg()[:900])
    (folder / "work.png").write_bytes(png_head(60_000, 60_000))
    for arguments in (("--check",), ()):
        with pytest.raises(InvalidInput) as refused:
            await command("contest", "import", contest_file, *arguments)
        faults = [(fault.field, fault.message) for fault in refused.value.faults]
        assert [field for field, _ in faults] == [
            "candidates[0].portrait (line 19): portraits/7.jpg",
            "candidates[0].pictures[0].file (line 22): work.png",
            "candidates[1].portrait (line 32): portraits/8.jpg",
        ]
        assert "is a PNG picture" in faults[0][1]
        assert "million pixels" in faults[1][1]
        assert "incomplete" in faults[2][1]
    assert await load_contests(database) == ()


async def test_a_portrait_is_replaced_and_a_picture_added(
    command: Command, database: Connection, settings: Settings, tmp_path: Path
) -> None:
    contest = await store_contest(
        database,
        settings.master_key.get_secret_value(),
        opens_at=datetime.now(UTC) + timedelta(days=1),
    )
    for name, width in (("one.jpg", 500), ("two.jpg", 600)):
        (tmp_path / name).write_bytes(jpeg(width, 900))
        await command("contest", "picture", SLUG, 2, tmp_path / name)
    await command(
        "contest",
        "picture",
        SLUG,
        2,
        tmp_path / "one.jpg",
        "--caption-zh=车间",
        "--caption-en=Shop",
    )
    shown = (await load_all_pictures(database, contest.id))[2]
    assert [picture.kind for picture in shown] == ["portrait", "picture"]
    assert len(await load_owners(database)) == 2
    await command("contest", "remove-pictures", SLUG, 2, "--confirm=2")
    assert await load_owners(database) == {}


async def test_what_is_refused(
    command: Command, database: Connection, settings: Settings, tmp_path: Path
) -> None:
    await store_contest(database, settings.master_key.get_secret_value())
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(jpeg())
    bad.write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match=r"bad\.jpg: is not a JPEG"):
        await command("contest", "picture", SLUG, 1, bad)
    with pytest.raises(NotFound, match="no candidate 99"):
        await command("contest", "picture", SLUG, 99, good)
    with pytest.raises(NotFound, match="no contest 'none'"):
        await command("contest", "picture", "none", 1, good)
    with pytest.raises(Refused, match="nothing was deleted"):
        await command("contest", "remove-pictures", SLUG, 1, "--confirm=2")
    for arguments in (
        ("--caption-zh=x",),
        ("--caption-zh=x", "--caption-en= "),
        ("--caption-zh=x", f"--caption-en={'x' * 121}"),
        ("--caption-zh=\u202e", "--caption-en=x"),
    ):
        assert (await command("contest", "picture", SLUG, 1, good, *arguments)).exit_code == 2
    assert await load_owners(database) == {}
