"""Settings from `VOTING_*` environment variables; checked at start, every fault at once.

With `VOTING_DATA` naming a demo's folder, what the environment leaves open is read from
`settings.env` there.
"""

from __future__ import annotations

import os
from base64 import b64decode
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretBytes, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from voting_service.errors import Fault, InvalidInput

PREFIX = "VOTING_"
DEMO_SETTINGS_FILE = "settings.env"


class SettingsFault(InvalidInput):
    """A setting is missing or wrong; the faults name the environment variables."""


def _master_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = b64decode(value, validate=True)
    except ValueError as error:
        raise ValueError("is not base64") from error
    if len(key) != 32:
        raise ValueError(f"must be 32 bytes in base64, this is {len(key)}")
    return key


def _keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = [_master_key(part.strip()) for part in value.split(",") if part.strip()]
    if len(set(keys)) < len(keys):
        raise ValueError("names a key twice")
    return keys


def _networks(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


class Settings(BaseSettings):
    """One field a variable: `database_url` is `VOTING_DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: str = Field(description="Postgres, as a member of voting_application")
    owner_database_url: str | None = Field(
        default=None, description="Postgres, as the owner of the tables; for `migrate`"
    )
    valkey_url: str = Field(description="Valkey or Redis 7 or later")
    master_key: Annotated[SecretBytes, BeforeValidator(_master_key)] = Field(
        description="32 bytes in base64; wraps the keys of every contest"
    )
    personal_keys: Annotated[tuple[SecretBytes, ...], NoDecode, BeforeValidator(_keys)] = Field(
        default=(),
        description="32 bytes in base64 each, parted by commas; the first one seals the personal "
        "data of recommendations, every one opens it. Without them a key made from the master key",
    )
    signing_key_file: Path = Field(description="Ed25519 private key, PEM; signs the cut")
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)
    ] = Field(default=(), description="networks whose X-Forwarded-For is believed")
    exempt_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)
    ] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="networks from where votes are never suspicious: this machine itself (a load "
        "test, or a proxy that hides who sends), a platform's servers that pass votes on",
    )
    platform_secrets_file: Path | None = Field(
        default=None, description='TOML, slug = "secret" a line; for WeChat and OpenID Connect'
    )
    captcha_secrets_file: Path | None = Field(
        default=None, description="TOML, a table [PROVIDER.SITE_KEY] for each hosted captcha"
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^/\s]+$",
        description="where citizens find the pages; stands in link previews and codes",
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    office_host: str = "127.0.0.1"
    office_port: int = Field(default=8001, ge=1, le=65535)
    office_url: str = Field(
        default="http://127.0.0.1:8001",
        pattern=r"^https?://[^/\s]+$",
        description="where staff find the desk; https makes its cookies Secure",
    )
    staff_openid_issuer: str | None = Field(
        default=None, description="OpenID Connect issuer that signs the office's staff in"
    )
    staff_openid_client_id: str | None = None
    staff_openid_client_secret_file: Path | None = None
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    queue_limit: int = Field(
        default=20_000, ge=1, description="votes waiting in one worker before it answers 503"
    )
    metrics_dir: Path | None = Field(default=None, description="shared by the workers of a host")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    data: Path | None = Field(default=None, description="a demo's folder")

    @property
    def migration_url(self) -> str:
        return self.owner_database_url or self.database_url


def load_settings(**overrides: Any) -> Settings:
    """Reads the environment. Raises SettingsFault with every fault at once."""
    data = os.environ.get(PREFIX + "DATA")
    env_file = Path(data) / DEMO_SETTINGS_FILE if data else None
    if env_file is not None and not env_file.is_file():
        raise SettingsFault(
            Fault(
                PREFIX + "DATA", f"no demo has been started in {data}: {env_file.name} is missing"
            )
        )
    try:
        return Settings(_env_file=env_file, **overrides)
    except ValidationError as error:
        raise SettingsFault(
            *(
                Fault(
                    PREFIX + "_".join(str(part) for part in fault["loc"][:1]).upper(),
                    "is missing" if fault["type"] == "missing" else fault["msg"],
                )
                for fault in error.errors()
            )
        ) from None


def share_metrics_folder(folder: Path) -> None:
    """Lets the worker processes that are started next add up their metrics in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob("*.db"):
        left_over.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def staff_credentials() -> tuple[str | None, str | None]:
    """Password and one-time code for scripts: VOTING_STAFF_PASSWORD and VOTING_STAFF_CODE."""
    return os.environ.get(PREFIX + "STAFF_PASSWORD"), os.environ.get(PREFIX + "STAFF_CODE")
