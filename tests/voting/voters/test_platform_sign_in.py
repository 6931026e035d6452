"""The console itself: kinds, set-up faults, secrets, the session it ends in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contest_data import unstored_contest
from tests.fakes.signers import (
    Ed25519Signer,
    FakePlatform,
    base64url,
)
from tests.voting.voters.conftest import (
    MovableClock,
    SignInMaker,
    sign_in_settings,
)
from voting_service.contests.model import Platform
from voting_service.errors import (
    Refused,
    TokenRefused,
    Unavailable,
)
from voting_service.settings import SettingsFault
from voting_service.voting.voters import platform_adapters
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.keyring import ContestKeys
from voting_service.voting.voters.service import (
    KINDS,
    open_session,
    read_platform_secrets,
)

MakePlatform = Callable[..., Platform]
WECHAT = {"appid": "wx520c15f417810387"}
OPENID: dict[str, Any] = {
    "issuer": "https://login.example",
    "client_id": "c",
    "redirect_uris": ["https://vote.example/"],
}
KEY = Ed25519Signer()


def test_the_kinds_are_the_files() -> None:
    folder = Path(str(platform_adapters.__file__)).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert set(KINDS) == files
    assert files >= {"jwt", "wechat", "openid_connect"}


FAULTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "unknown kind": ("smoke", {}, "kind", "must be one of jwt, openid_connect, wechat"),
    "kind a path": ("../jwt", {}, "kind", "must be one of"),
    "kind a module": ("__init__", {}, "kind", "must be one of"),
    "jwt: nothing": ("jwt", {}, "config", "must have either keys or jwks_url"),
    "jwt: both": (
        "jwt",
        {"keys": [KEY.jwk()], "jwks_url": "https://k.example"},
        "config",
        "must have either keys or jwks_url",
    ),
    "jwt: no key": ("jwt", {"keys": []}, "config.keys", "must contain 1 to 32 keys"),
    "jwt: keys an object": (
        "jwt",
        {"keys": {}},
        "config.keys",
        "must be a list, or left out; it is an object",
    ),
    "jwt: a bad key": ("jwt", {"keys": [{}]}, "config.keys[0]", "is not a key for"),
    "jwt: a typo": ("jwt", {"key": []}, "config.key", "there is no such field"),
    "jwt: plain http": ("jwt", {"jwks_url": "http://k.example"}, "config.jwks_url", "https://"),
    "jwt: a file": ("jwt", {"jwks_url": "file:///k"}, "config.jwks_url", ""),
    "jwt: a user": ("jwt", {"jwks_url": "https://a:b@k.example"}, "config.jwks_url", "no user"),
    "wechat: no app id": ("wechat", {}, "config.appid", "is missing"),
    "wechat: a secret in the row": (
        "wechat",
        {**WECHAT, "secret": "s"},
        "config.secret",
        "there is no",
    ),
    "wechat: subject": ("wechat", {**WECHAT, "subject": "name"}, "config.subject", "Invalid enum"),
    "wechat: plain http": (
        "wechat",
        {**WECHAT, "api_url": "http://w.example"},
        "config.api_url",
        "",
    ),
    "openid: no issuer": (
        "openid_connect",
        {"client_id": "c"},
        "config.issuer",
        "is missing",
    ),
    "openid: plain http": (
        "openid_connect",
        {**OPENID, "issuer": "http://login.example"},
        "config.issuer",
        "https://",
    ),
    "openid: a query": (
        "openid_connect",
        {**OPENID, "issuer": "https://login.example?a"},
        "config.issuer",
        "must not contain a query",
    ),
    "openid: HS256": (
        "openid_connect",
        {**OPENID, "algorithms": ["HS256"]},
        "config.algorithms[0]",
        "Invalid enum",
    ),
    "openid: no address": (
        "openid_connect",
        {**OPENID, "redirect_uris": []},
        "config.redirect_uris",
        "must be a list of 1 to 32 items",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_a_fault_of_the_set_up_is_named_with_its_place(
    make_sign_in: SignInMaker, make_platform: MakePlatform, case: str
) -> None:
    kind, config, field, message = FAULTS[case]
    sign_in = make_sign_in(secrets='paper = "secret"')
    faults = sign_in.faults(make_platform(config, kind=kind))
    assert [fault.field for fault in faults] == [field]
    assert message in faults[0].message


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("jwt", {"keys": [KEY.jwk()]}),
        ("jwt", {"jwks_url": "https://keys.example/jwks.json"}),
        ("jwt", {"jwks_url": "http://127.0.0.1:9000/jwks.json"}),
        ("jwt", {"jwks_url": "http://[::1]/jwks.json"}),
        ("wechat", {**WECHAT, "subject": "unionid"}),
        ("openid_connect", OPENID),
    ],
    ids=["pinned key", "key address", "local key address", "local IPv6", "wechat", "openid"],
)
async def test_a_good_set_up_has_no_fault(
    make_sign_in: SignInMaker, make_platform: MakePlatform, kind: str, config: dict[str, Any]
) -> None:
    sign_in = make_sign_in(secrets='paper = "secret"')
    assert sign_in.faults(make_platform(config, kind=kind)) == ()


@pytest.mark.parametrize(("kind", "config"), [("wechat", WECHAT), ("openid_connect", OPENID)])
async def test_a_missing_secret_is_named_and_keeps_users_out(
    make_sign_in: SignInMaker, make_platform: MakePlatform, kind: str, config: dict[str, Any]
) -> None:
    sign_in = make_sign_in(secrets='another = "secret"')
    platform = make_platform(config, kind=kind)
    [fault] = sign_in.faults(platform)
    assert fault.field == "VOTING_PLATFORM_SECRETS_FILE"
    assert fault.message == 'must name a TOML file with the line paper = "SECRET"'
    with pytest.raises(Unavailable, match=r"^sign-in through paper is not set up$"):
        await sign_in.identify(platform, "code", contest_slug="craftsmen")


@pytest.mark.parametrize(
    ("contents", "faults"),
    [
        (b"paper = ", ["VOTING_PLATFORM_SECRETS_FILE: is not a TOML file in UTF-8"]),
        (b'paper = "\xff"', ["VOTING_PLATFORM_SECRETS_FILE: is not a TOML file in UTF-8"]),
        (
            b'paper = ""\nweb = 7\ngood = "planted"',
            [
                "VOTING_PLATFORM_SECRETS_FILE paper: must be a text that is not empty",
                "VOTING_PLATFORM_SECRETS_FILE web: must be a text that is not empty",
            ],
        ),
    ],
)
def test_every_fault_of_the_secrets_file_is_named_at_once(
    tmp_path: Path, contents: bytes, faults: list[str]
) -> None:
    file = tmp_path / "secrets.toml"
    file.write_bytes(contents)
    with pytest.raises(SettingsFault) as fault:
        read_platform_secrets(file)
    assert [str(problem) for problem in fault.value.faults] == faults


def test_a_secrets_file_that_is_missing_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match=r"VOTING_PLATFORM_SECRETS_FILE: cannot be read"):
        read_platform_secrets(tmp_path / "absent.toml")


def test_secrets_do_not_show_when_printed(tmp_path: Path) -> None:
    path = sign_in_settings(tmp_path, 'paper = "planted"').platform_secrets_file
    secrets = read_platform_secrets(path)
    assert secrets["paper"].get_secret_value() == "planted"
    assert "planted" not in repr(secrets)


async def test_a_platform_that_is_switched_off_signs_nobody_in(
    make_sign_in: SignInMaker, make_platform: MakePlatform, clock: MovableClock
) -> None:
    signer = FakePlatform("paper")
    on = make_platform({"keys": [signer.signer.jwk()]})
    off = msgspec.structs.replace(on, enabled=False)
    sign_in = make_sign_in()
    token = signer.token("craftsmen", "user-1", clock.seconds())
    with pytest.raises(TokenRefused, match=r"^platform: is switched off$"):
        await sign_in.identify(off, token, contest_slug="craftsmen")
    assert await sign_in.identify(on, token, contest_slug="craftsmen")


@pytest.mark.parametrize(
    ("claims", "contest"),
    [
        (b'{"aud":"craftsmen"}', "craftsmen"),
        (b'{"aud":["craftsmen"]}', "craftsmen"),
        (b'{"aud":["craftsmen","other"]}', None),
        (b'{"aud":7}', None),
        (b'{"aud":[7]}', None),
        (b'{"aud":null}', None),
        (b"{}", None),
        (b"[]", None),
        (b"nonsense", None),
        (b"[" * 2000, None),
    ],
)
async def test_a_token_states_which_contest_it_is_for(
    make_sign_in: SignInMaker, claims: bytes, contest: str | None
) -> None:
    assert make_sign_in().audience(f"e30.{base64url(claims)}.AA") == contest


@pytest.mark.parametrize("credential", ["", "code", "a.b", '{"code":"c"}', "\ud800.\ud800.x"])
async def test_other_credentials_name_no_contest(
    make_sign_in: SignInMaker, credential: str
) -> None:
    assert make_sign_in().audience(credential) is None


def test_nobody_signs_in_once_the_voters_key_is_destroyed() -> None:
    keys = ContestKeys.from_roots(None, b"s" * 32)
    now, identity = datetime(2022, 7, 18, tzinfo=UTC), Identity(1, "user-1")
    with pytest.raises(Refused, match=r"the voter key of this contest has been destroyed"):
        open_session(keys, unstored_contest(), identity, now)
