"""`platform add` and `platform change`: alone before a contest is announced, by two afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser.serving import serving
from tests.commands import Command, invoke, set_environment
from tests.contest_data import store_contest
from tests.cut_data import MASTER_KEY, member
from tests.fakes.key_server import FakeKeyServer
from tests.fakes.signers import Ed25519Signer
from tests.picture_files import jpeg
from voting_service.contests.model import Platform
from voting_service.contests.pictures.repository import load_file
from voting_service.contests.platform_registration import public_jwk
from voting_service.contests.repository import load_platforms
from voting_service.contests.settings.platform_changes import (
    PlatformChange,
    change_platform_alone,
)
from voting_service.contests.settings.platform_terms import read_terms
from voting_service.contests.settings.repository import ChangeOrigin
from voting_service.errors import InvalidInput, NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings

NAMES = ("--name-zh", "日报", "--name-en", "Daily")


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings)
    return invoke


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """Two public keys in PEM files."""
    files = tmp_path / "old.pem", tmp_path / "new.pem"
    for file in files:
        public = Ed25519Signer().key.public_key()
        file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return files


def key_id(file: Path) -> str:
    return public_jwk(file.read_bytes())["kid"]


async def stored(database: Connection) -> Platform:
    [platform] = await load_platforms(database)
    return platform


async def test_one_person_changes_everything_before_a_contest_is_announced(
    database: Connection, command: Command, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = keys
    logo = tmp_path / "logo.jpg"
    logo.write_bytes(jpeg(600, 300))
    await command("platform", "add", "daily", *NAMES, "--key", old)
    before = await stored(database)
    done = await command(
        *("platform", "change", "daily", "--add-key", new, "--name-en", "The Daily"),
        *("--add-origin", "https://a.example", "--daily-ceiling", 500),
        *("--entrance", "https://app.example/vote", "--app-zh", "客户端", "--app-en", "The App"),
        *("--logo", logo),
    )
    assert done.stdout == "Changed daily. It takes effect within seconds.\n", done.output
    changed = await stored(database)
    assert (changed.id, changed.name.en, changed.daily_ceiling) == (before.id, "The Daily", 500)
    assert [key["kid"] for key in changed.config["keys"]] == [key_id(old), key_id(new)]
    assert (changed.origins, changed.sessions_not_before) == (("https://a.example",), None)
    assert changed.entrance == "https://app.example/vote"
    assert changed.app_name == Text("客户端", "The App")
    assert changed.logo is not None and (changed.logo.width, changed.logo.height) == (320, 160)
    assert await load_file(database, changed.logo.hash, 320, "png")
    shown = (await command("platform", "show", "daily")).stdout
    assert "https://app.example/vote" in shown and "客户端 / The App" in shown
    await command(
        *("platform", "change", "daily", "--remove-key", key_id(old), "--daily-ceiling", 0),
        "--remove-logo",
        *(
            "--remove-origin",
            "https://a.example/",
            "--entrance",
            "",
            "--app-zh",
            "",
            "--app-en",
            "",
        ),
    )
    removed = await stored(database)
    assert [key["kid"] for key in removed.config["keys"]] == [key_id(new)]
    assert (removed.origins, removed.daily_ceiling) == ((), None)
    assert (removed.entrance, removed.app_name, removed.logo) == (None, None, None)
    assert removed.sessions_not_before is not None, "by default sessions end when a key goes"
    await command(
        *("platform", "change", "daily", "--add-key", old, "--remove-key", key_id(new)),
        "--keep-sessions",
    )
    assert (await stored(database)).sessions_not_before == removed.sessions_not_before
    shown = (await command("platform", "show", "daily")).stdout
    assert key_id(old) in shown and "sign-ins before" in shown


async def test_two_people_add_and_change_once_it_is_announced(
    database: Connection, command: Command, keys: tuple[Path, Path]
) -> None:
    """Each runs the same command; what they do is shown to both."""
    old, new = keys
    await store_contest(database, MASTER_KEY)
    await member(database, "staff-1")
    add = ("platform", "add", "daily", *NAMES, "--key", old)
    refused = await command(*add, "--as", "staff-1")
    assert isinstance(refused.exception, Refused), refused.output
    assert "invite a second person" in str(refused.exception)
    await member(database, "staff-2")
    await database.execute("update accounts set last_totp_step = 0")
    alone = await command(*add)
    assert "takes two people" in str(alone.exception)
    proposed = (await command(*add, "--as", "staff-1")).stdout
    assert "Proposed as request 1" in proposed and "differs" not in proposed
    assert await load_platforms(database) == ()
    slip = ("platform", "add", "daily", "--name-zh", "日报", "--name-en", "Dayly", "--key", new)
    assert (
        f"differs in --name-en (Daily, now Dayly), --key ({key_id(old)}, now {key_id(new)}). Run"
        in (await command(*slip, "--as", "staff-2")).stdout
    )
    await database.execute("update accounts set last_totp_step = 0")
    assert "Added daily" in (await command(*add, "--as", "staff-2")).stdout
    change = ("platform", "change", "daily", "--add-key", new, "--remove-key", key_id(old))
    await database.execute("update accounts set last_totp_step = 0")
    assert "Proposed as request 3" in (await command(*change, "--as", "staff-1")).stdout
    shown = (await command("platform", "show", "daily")).stdout
    assert "request 3 waits for a second person, proposed by staff-1" in shown
    assert f"{key_id(old)} -> {key_id(new)}" in shown and "voters sign in again" in shown
    different = await command(*change, "--keep-sessions", "--as", "staff-2")
    assert "Proposed as request 4" in different.stdout, "not what the first person proposed"
    assert different.stdout.endswith(
        "Request 3 for daily by staff-1 is waiting and differs in --end-sessions (true, now false)"
        ". Run exactly that command, or approve request 3 on the console.\n"
    )
    await database.execute("update accounts set last_totp_step = 0")
    assert "Changed daily" in (await command(*change, "--as", "staff-2")).stdout
    assert [key["kid"] for key in (await stored(database)).config["keys"]] == [key_id(new)]


async def test_adding_never_replaces_a_platform_neither_alone_nor_by_two(
    database: Connection, command: Command, keys: tuple[Path, Path]
) -> None:
    old, new = keys
    add = ("platform", "add", "daily", *NAMES, "--key")
    await command(*add, old)
    before = await stored(database)
    again = await command(*add, old)
    assert (again.exit_code, "already exists with exactly" in again.stdout) == (0, True)

    async def assert_refused(*other: object) -> None:
        refused = await command(*add, *other)
        assert isinstance(refused.exception, Refused), refused.output
        assert str(refused.exception) == (
            "there is already a platform 'daily'; "
            "to change it, run voting-service platform change daily"
        )
        assert "已有名为 daily 的平台" in refused.exception.text("zh")
        assert await stored(database) == before

    await assert_refused(new)
    await assert_refused(old, "--origin", "https://a.example")
    await store_contest(database, MASTER_KEY)
    await member(database, "staff-1")
    await member(database, "staff-2")
    for name in ("staff-1", "staff-2"):
        await assert_refused(new, "--as", name)
    assert await database.fetchval("select count(*) from approval_requests") == 0
    assert "already exists" in (await command(*add, old, "--as", "staff-1")).stdout
    with pytest.raises(Refused, match="there is already a platform"):
        await change_platform_alone(
            database,
            PlatformChange("daily", read_terms(before), is_new=True),
            ChangeOrigin("staff-1", datetime.now(UTC), Text("测试", "test")),
        )


async def test_published_keys_are_fetched_before_they_are_stored(
    database: Connection, command: Command, keys: tuple[Path, Path]
) -> None:
    published = FakeKeyServer(Ed25519Signer().jwk("a"))
    async with serving(published.app) as (_, origin):
        add = ("platform", "add", "daily", *NAMES, "--jwks-url")
        for url, fault in (
            ("http://keys.example/jwks.json", "https"),
            (f"{origin}/nothing", "404"),
            ("http://127.0.0.1:9/jwks.json", "127.0.0.1:9"),
        ):
            refused = await command(*add, url)
            assert isinstance(refused.exception, InvalidInput), refused.output
            assert fault in str(refused.exception) and "jwks_url" in str(refused.exception)
            assert await load_platforms(database) == ()
        published.keys = []
        assert isinstance((await command(*add, f"{origin}/jwks.json")).exception, InvalidInput)
        published.keys = [Ed25519Signer().jwk("a")]
        assert "Added daily" in (await command(*add, f"{origin}/jwks.json")).stdout
        assert (await stored(database)).config == {"jwks_url": f"{origin}/jwks.json"}
        before = await stored(database)
        unreachable = ("--jwks-url", "http://127.0.0.1:9/jwks.json")
        refused = await command("platform", "change", "daily", *unreachable)
        assert isinstance(refused.exception, InvalidInput)
        assert await stored(database) == before
    pinned = await command("platform", "change", "daily", "--add-key", keys[0])
    assert "Changed daily" in pinned.stdout, "whatever became of the address"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--remove-key", "nobody's"), "no key nobody's"),
        (("--remove-origin", "https://b.example"), "no origin https://b.example"),
        (("--add-origin", "http://b.example"), "origin http://b.example"),
        (("--name-zh", " "), "--name-zh: "),
        (("--entrance", "http://app.example"), "entrance: must begin with https://"),
        (("--app-zh", "客户端"), "--app-en: is missing"),
        (("--app-en", "The App"), "--app-zh: is missing"),
        ((), "nothing would change"),
    ],
)
async def test_a_faulty_change_changes_nothing(
    database: Connection,
    command: Command,
    keys: tuple[Path, Path],
    arguments: tuple[str, ...],
    fault: str,
) -> None:
    await command("platform", "add", "daily", *NAMES, "--key", keys[0])
    before = await stored(database)
    refused = await command("platform", "change", "daily", *arguments)
    assert isinstance(refused.exception, (InvalidInput, Refused)), refused.output
    assert fault in str(refused.exception)
    last = await command("platform", "change", "daily", "--remove-key", key_id(keys[0]))
    assert "at least one key must stay" in str(last.exception)
    own = keys[0].with_suffix(".toml")
    own.write_text(f'keys = [{{ kid = "{key_id(keys[0])}" }}]')
    whole = await command("platform", "change", "daily", "--config", own)
    assert "one by one" in str(whole.exception), "a key of one's own under the known id"
    assert await stored(database) == before
    nobody = await command("platform", "change", "weekly", "--name-en", "x")
    assert isinstance(nobody.exception, NotFound)
