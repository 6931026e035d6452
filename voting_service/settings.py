"""Settings from `VOTING_*` environment variables; all faults are reported at once.

If `VOTING_DATA` names the folder of a demo, variables that are not set are read from
`settings.env` in it.
"""

from __future__ import annotations

import os
from base64 import b64decode
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretBytes, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from voting_service.errors import Fault, InvalidInput

PREFIX = "VOTING_"
DEMO_SETTINGS_FILE = "settings.env"


class SettingsFault(InvalidInput):
    """A setting is missing or wrong. The faults name the environment variables."""


def _decode_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = b64decode(value, validate=True)
    except ValueError as error:
        raise PydanticCustomError("not_base64", "not_base64") from error
    if len(key) != 32:
        raise PydanticCustomError("key_wrong_length", "key_wrong_length", {"length": len(key)})
    return key


def _key_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = [_decode_key(part.strip()) for part in value.split(",") if part.strip()]
    if len(set(keys)) < len(keys):
        raise PydanticCustomError("key_listed_twice", "key_listed_twice")
    return keys


def _split_networks(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


class Settings(BaseSettings):
    """The settings; the field `database_url` is the variable `VOTING_DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: str = Field(description="Postgres URL of a login in the role voting_application")
    owner_database_url: str | None = Field(
        default=None, description="Postgres URL of the tables' owner; for `migrate`"
    )
    valkey_url: str = Field(description="URL of Valkey, or Redis 7 or later")
    master_key: Annotated[SecretBytes, BeforeValidator(_decode_key)] = Field(
        description="32 bytes in base64; encrypts the keys of every contest"
    )
    personal_keys: Annotated[tuple[SecretBytes, ...], NoDecode, BeforeValidator(_key_list)] = Field(
        default=(),
        description="keys of 32 bytes in base64, separated by commas; the first encrypts personal "
        "data of recommendations, all decrypt it. Default: a key derived from the master key",
    )
    signing_key_file: Path = Field(description="Ed25519 private key, PEM; signs the cut")
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split_networks)
    ] = Field(default=(), description="networks of proxies whose X-Forwarded-For header is trusted")
    exempt_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split_networks)
    ] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="networks whose votes are never suspicious: this machine (a load test, or "
        "a proxy that hides the sender), or servers of a platform that forward votes",
    )
    platform_secrets_file: Path | None = Field(
        default=None,
        description='TOML, lines slug = "secret", for WeChat and OpenID Connect platforms',
    )
    captcha_secrets_file: Path | None = Field(
        default=None, description="TOML, a table [PROVIDER.SITE_KEY] for each hosted captcha"
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^/\s]+$",
        description="address of the public site; used in link previews and QR codes",
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    staff_host: str = "127.0.0.1"
    staff_port: int = Field(default=8001, ge=1, le=65535)
    staff_url: str = Field(
        default="http://127.0.0.1:8001",
        pattern=r"^https?://[^/\s]+$",
        description="address of the staff site; https makes its cookies Secure",
    )
    staff_openid_issuer: str | None = Field(
        default=None, description="OpenID Connect issuer that signs staff in"
    )
    staff_openid_client_id: str | None = None
    staff_openid_client_secret_file: Path | None = None
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    queue_limit: int = Field(
        default=20_000, ge=1, description="votes that may wait in one worker before it answers 503"
    )
    metrics_dir: Path | None = Field(
        default=None, description="folder for the metrics of all workers of a host"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    data: Path | None = Field(default=None, description="folder of a demo")

    @property
    def migration_url(self) -> str:
        """The URL to migrate with."""
        return self.owner_database_url or self.database_url


def load_settings(**overrides: Any) -> Settings:
    """Load the settings from the environment. Raises SettingsFault with every fault."""
    data = os.environ.get(PREFIX + "DATA")
    env_file = Path(data) / DEMO_SETTINGS_FILE if data else None
    if env_file is not None and not env_file.is_file():
        raise SettingsFault(
            Fault(PREFIX + "DATA", "settings.no_demo_in_folder", data=data, name=env_file.name)
        )
    try:
        return Settings(_env_file=env_file, **overrides)
    except ValidationError as error:
        raise SettingsFault(*map(_fault, error.errors())) from None


def _fault(detail: ErrorDetails) -> Fault:
    """Return pydantic's error as a fault; our own types have their sentences in the catalogue."""
    variable = PREFIX + "_".join(str(part) for part in detail["loc"][:1]).upper()
    if detail["type"] in ("missing", "not_base64", "key_wrong_length", "key_listed_twice"):
        return Fault(variable, f"settings.{detail['type']}", **_length(detail))
    return Fault.verbatim(variable, detail["msg"])


def _length(detail: ErrorDetails) -> dict[str, Any]:
    """Return the parameter of `key_wrong_length`."""
    return {name: value for name, value in detail.get("ctx", {}).items() if name == "length"}


def share_metrics_folder(folder: Path) -> None:
    """Make worker processes that are started later add up their metrics in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.db"):
        stale.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def staff_credentials() -> tuple[str | None, str | None]:
    """Return VOTING_STAFF_PASSWORD and VOTING_STAFF_CODE, which scripts set to sign in."""
    return os.environ.get(PREFIX + "STAFF_PASSWORD"), os.environ.get(PREFIX + "STAFF_CODE")
