"""`voting-service forensics`: the ballot file in, four files out."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.antifraud.forensics_crowds import (
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    popular,
)
from voting_service.antifraud.forensics.columns import (
    ABSENT,
    network_prefix,
    read_ballot_file,
)
from voting_service.cli import root
from voting_service.errors import InvalidInput

HEADER = "ballot_id,cast_at,platform,voter,ip,device,user_agent,account_created,choices"
GOOD = "a,2022-07-18T09:00:00+08:00,news,v1,203.0.113.9,d1,agent,2020-01-31,7|3"


def write_file(folder: Path, lines: Iterable[str], header: str = HEADER) -> Path:
    path = folder / "ballots.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def run(ballots: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(root, ["forensics", str(ballots), "--out", str(out), *options])


def get_lines(crowd: Crowd, name: str) -> list[str]:
    times = [datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in crowd.cast_at.tolist()]
    return [
        f"{name}{row},{times[row]},p{crowd.platform[row]},{name}{crowd.voter[row]},"
        f"10.{crowd.ip[row] >> 16}.{crowd.ip[row] >> 8 & 255}.{crowd.ip[row] & 255},"
        f'd{crowd.device[row]},"Agent <b>, {crowd.device[row]}",,'
        f"{'|'.join(map(str, crowd.choices[row]))}"
        for row in range(len(crowd))
    ]


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(the ballot file, the folder of its results): honest people and a machine."""
    rng = np.random.default_rng(1)
    bots = honest(rng, 60)
    bots = Crowd(
        "bots",
        START_MS + rng.integers(0, HOUR_MS, 60),
        bots.platform,
        bots.voter,
        np.full(60, 65_000),
        np.full(60, 99),
        bots.account_day,
        popular(rng, 60, 15),
    )
    folder = tmp_path_factory.mktemp("forensics")
    path = write_file(folder, [*get_lines(honest(rng, 4_000), "h"), *get_lines(bots, "b")])
    result = run(path, folder / "out")
    assert result.exit_code == 0, result.output
    return path, folder / "out"


def test_verdicts_list_every_ballot_in_order(bought: tuple[Path, Path]) -> None:
    path, out = bought
    with path.open(encoding="utf-8") as given, (out / "verdicts.csv").open() as written:
        ids = [row["ballot_id"] for row in csv.DictReader(given)]
        verdicts = list(csv.DictReader(written))
    assert list(verdicts[0]) == ["ballot_id", "verdict", "score", "campaign", "reason"]
    assert [row["ballot_id"] for row in verdicts] == ids
    for row in verdicts:
        if row["ballot_id"].startswith("b"):
            assert (row["verdict"], row["campaign"]) == ("hold", "0")
            assert "for 15" in row["reason"]
            assert float(row["score"]) > 0.85
        else:
            assert (row["verdict"], row["campaign"], row["reason"]) == ("clean", "", "")


def test_campaigns_have_figures_and_sentences(bought: tuple[Path, Path]) -> None:
    (campaign,) = json.loads((bought[1] / "campaigns.json").read_bytes())
    assert campaign["candidates"][0] == 15
    assert campaign["ballots"] == campaign["voters"] == 60
    assert campaign["observed"] > 3 * campaign["expected"]
    assert campaign["p_value"] <= campaign["q_value"] < 1e-6
    assert {"name": "ip", "value": "10.0.253.232"}.items() <= campaign["attributes"][0].items()
    assert campaign["window"]["first"] < campaign["window"]["last"]
    assert "10.0.253.232" in campaign["sentence"]["en"]
    assert "15号" in campaign["sentence"]["zh"]


def test_seats_list_every_candidate_by_votes(bought: tuple[Path, Path]) -> None:
    seats = json.loads((bought[1] / "seats.json").read_bytes())
    assert {"number", "votes", "rank", "in_cut", "certifiable", "reasons"} <= set(seats[0])
    assert [seat["rank"] for seat in seats] == list(range(1, 21))
    votes = [seat["votes"] for seat in seats]
    assert votes == sorted(votes, reverse=True)
    assert all(seat["in_cut"] for seat in seats)


def test_the_report_needs_no_network_and_escapes_the_texts_of_the_file(
    bought: tuple[Path, Path],
) -> None:
    text = (bought[1] / "report.html").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "建议暂扣60张" in text
    assert not re.search(r"<(script|link|img|iframe)|url\(|@import|https?:", text)
    assert "Agent <b>" not in text


def test_the_same_seed_writes_the_same_bytes(bought: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(bought[0], tmp_path / "again", "--seed", "0").exit_code == 0
    for name in ("verdicts.csv", "campaigns.json", "seats.json", "report.html"):
        assert (tmp_path / "again" / name).read_bytes() == (bought[1] / name).read_bytes()


@pytest.mark.parametrize("lines", [[], [GOOD]])
def test_an_empty_file_and_one_ballot_are_clean(tmp_path: Path, lines: list[str]) -> None:
    result = run(write_file(tmp_path, lines), tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "hold  0 ballots in 0 campaigns" in result.output
    assert len((tmp_path / "out" / "verdicts.csv").read_text().splitlines()) == 1 + len(lines)
    assert json.loads((tmp_path / "out" / "campaigns.json").read_bytes()) == []
    assert len(json.loads((tmp_path / "out" / "seats.json").read_bytes())) == 2 * len(lines)
    assert "没有发现可疑的集中投票" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ("b,2022-07-18T09:00:00Z,p,v", "line 3", "has 4 cells"),
        (f"{GOOD},more", "line 3", "has 10 cells"),
        ("b,2022-07-18 09:00,p,v,,,,,3", "line 3, cast_at", "with a zone"),
        ("b,yesterday,p,v,,,,,3", "line 3, cast_at", "ISO 8601"),
        ("b,2022-07-18T09:00:00Z,p,v,,,,,", "line 3, choices", "joined by |"),
        ("b,2022-07-18T09:00:00Z,p,v,,,,,3|x", "line 3, choices", "joined by |"),
        ("b,2022-07-18T09:00:00Z,p,v,,,,,40000", "line 3, choices", "below 32768"),
        ("b,2022-07-18T09:00:00Z,p,v,,,,20-1-1,3", "line 3, account_created", "date"),
        (",2022-07-18T09:00:00Z,p,v,,,,,3", "line 3, ballot_id", "bytes"),
        (f"{'x' * 65},2022-07-18T09:00:00Z,p,v,,,,,3", "line 3, ballot_id", "1 to 64 bytes"),
        (GOOD, "line 3, ballot_id", "ballot_id of line 2"),
    ],
)
def test_a_malformed_line_is_reported(tmp_path: Path, line: str, where: str, what: str) -> None:
    path = write_file(tmp_path, [GOOD, line])
    with pytest.raises(InvalidInput) as refused:
        read_ballot_file(path)
    (fault,) = refused.value.faults
    assert where in fault.field
    assert what in fault.message


def test_up_to_twenty_faults_are_reported(tmp_path: Path) -> None:
    path = write_file(tmp_path, ["b,never,p,v,,,,,x"] * 30)
    with pytest.raises(InvalidInput) as refused:
        read_ballot_file(path)
    assert len(refused.value.faults) == 20


def test_bytes_that_are_not_utf8_are_reported(tmp_path: Path) -> None:
    path = write_file(tmp_path, [GOOD])
    path.write_bytes(path.read_bytes() + b"b,2022-07-18T09:00:00Z,\xff,v,,,,,3\n")
    with pytest.raises(InvalidInput, match="line 3: is not UTF-8"):
        read_ballot_file(path)


def test_a_header_without_the_required_columns_is_rejected(tmp_path: Path) -> None:
    path = write_file(tmp_path, [], header="ballot_id,voter")
    with pytest.raises(InvalidInput, match="missing: cast_at, choices"):
        read_ballot_file(path)


def test_a_quoted_empty_string_is_an_empty_cell(tmp_path: Path) -> None:
    path = write_file(tmp_path, ['b,2022-07-18T09:00:00Z,p,v,"","","","",3'])
    columns = read_ballot_file(path)
    for column in (columns.ip, columns.device, columns.user_agent, columns.account_day):
        assert column.tolist() == [-1]


def test_columns_are_parsed(tmp_path: Path) -> None:
    path = write_file(
        tmp_path,
        [
            GOOD,
            'b,2022-07-18 01:00:00.5Z,"ne,ws",v1,2001:db8::1,,,,3|3|7',
            "c,2022-07-18T09:00+0800,news,,h4shed,d1,,,12",
        ],
    )
    columns = read_ballot_file(path)
    assert columns.ballot_id.tolist() == [b"a", b"b", b"c"]
    assert (columns.cast_at - columns.cast_at[0]).tolist() == [0, 500, 0]
    assert columns.voter.tolist() == [0, 0, ABSENT]
    assert columns.device.tolist() == [0, ABSENT, 0]
    assert columns.choice_numbers.tolist() == [3, 7, 3, 7, 12]
    assert columns.choice_offsets.tolist() == [0, 2, 4, 5]
    assert columns.account_day.tolist() == [18_292, ABSENT, ABSENT]
    prefixes = [columns.label("prefix", code) if code >= 0 else None for code in columns.prefix]
    assert prefixes == ["203.0.113.0/24", "2001:db8::/64", None]


def test_only_the_required_columns_are_needed(tmp_path: Path) -> None:
    path = write_file(tmp_path, ["1,a,2022-07-18T09:00:00Z"], header="choices,ballot_id,cast_at")
    columns = read_ballot_file(path)
    assert len(columns) == 1
    assert columns.device.tolist() == [ABSENT]


def test_a_prefix_column_of_the_file_is_used(tmp_path: Path) -> None:
    header = "ballot_id,cast_at,ip,prefix,choices"
    lines = ["a,2022-07-18T09:00:00Z,k1,g1,3", "b,2022-07-18T09:00:00Z,k2,g1,3"]
    columns = read_ballot_file(write_file(tmp_path, lines, header))
    assert columns.ip.tolist() == [0, 1]
    assert columns.prefix.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("203.0.113", None),
        ("a1b2c3", None),
        ("", None),
    ],
)
def test_prefixes(address: str, prefix: str | None) -> None:
    assert network_prefix(address) == prefix


def test_wrong_usage_and_faults_have_their_exit_codes(tmp_path: Path) -> None:
    path = write_file(tmp_path, ["b,never,p,v,,,,,3"])
    assert run(path, tmp_path / "out", "--zone", "Mars/Base").exit_code == 2
    assert run(tmp_path / "none.csv", tmp_path / "out").exit_code == 2
    assert isinstance(run(path, tmp_path / "out").exception, InvalidInput)
    assert not (tmp_path / "out").exists()
