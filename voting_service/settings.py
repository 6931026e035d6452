"""Settings from `VOTING_*` environment variables; all faults are reported at once.

If `VOTING_DATA` names the folder of a demo, variables that are not set are read from
`settings.env` in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    DirectoryPath,
    Field,
    FilePath,
    HttpUrl,
    SecretBytes,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from voting_service.errors import Fault, InvalidInput
from voting_service.setting_values import (
    Key,
    Keys,
    LogWitnesses,
    MailAddress,
    MasterKey,
    MasterKeys,
    Networks,
    PostgresUrl,
    SecurityContact,
    SiteAddress,
    SmtpUrl,
    ValkeyUrl,
    Webhook,
)

PREFIX = "VOTING_"
DEMO_SETTINGS_FILE = "settings.env"
DEFAULT_MAX_WORKERS = 5
"""One worker a core, but no more unless asked for: each has connections to Postgres, which by
default allows 100 of all machines together."""


class SettingsFault(InvalidInput):
    """A setting is missing or wrong. The faults name the environment variables."""


class Settings(BaseSettings):
    """The settings; the field `database_url` is the variable `VOTING_DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: PostgresUrl = Field(
        description="Postgres URL of the process's login, or of a member of voting_application"
    )
    owner_database_url: PostgresUrl | None = Field(
        default=None, description="Postgres URL of the tables' owner; for `migrate`"
    )
    valkey_url: ValkeyUrl = Field(
        description="URL of Valkey, or Redis 7 or later; several of a cluster with commas; or "
        "redis+sentinel://HOST,HOST/SERVICE"
    )
    master_key: MasterKeys = Field(
        description="32 bytes in base64; encrypts the keys of every contest. While it is replaced, "
        "two separated by a comma: the first encrypts, both decrypt"
    )
    personal_keys: Keys = Field(
        default=(),
        description="keys of 32 bytes in base64, separated by commas; the first encrypts personal "
        "data of recommendations, all decrypt it. Default: a key derived from the master key",
    )
    person_key: Key | None = Field(
        default=None,
        validate_default=True,
        description="32 bytes in base64; key of the hash by which the nomination knows a person "
        "again. Default: a key derived from the master key",
    )
    signing_key_file: Path = Field(description="Ed25519 private key, PEM; signs the cut")
    document_signing_key_file: Path | None = Field(
        default=None,
        description="PKCS#12 file, or PEM private key (RSA or elliptic curve), of the office that "
        "announces results; signs the PDFs of announcements and certificates",
    )
    document_signing_certificate_file: Path | None = Field(
        default=None,
        description="its certificate, PEM, with those up to the authority's; not for PKCS#12",
    )
    document_signing_passphrase: SecretStr | None = Field(
        default=None, description="passphrase of that key, where it has one"
    )
    trusted_proxies: Networks = Field(
        default=(), description="networks of proxies whose X-Forwarded-For header is trusted"
    )
    exempt_networks: Networks = Field(
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
    public_url: SiteAddress = Field(
        default="http://127.0.0.1:8000",
        description="address of the public site; used in link previews and QR codes",
    )
    security_contact: SecurityContact | None = Field(
        default=None,
        description="mailto:, https: or tel: address for reports of vulnerabilities; served as "
        "/.well-known/security.txt",
    )
    icp_number: str | None = Field(
        default=None, description="ICP filing number of the website, shown in the footer"
    )
    public_security_number: str | None = Field(
        default=None,
        description="filing number with the public security organs, shown in the footer",
    )
    wechat_share_app_id: str | None = Field(
        default=None,
        description="app id of the official account whose JS-SDK makes cards of shared pages",
    )
    wechat_share_secret: SecretStr | None = Field(
        default=None, description="its secret; `work` needs it"
    )
    smtp_url: SmtpUrl | None = Field(
        default=None,
        description="server that sends e-mail: smtps://USER:PASSWORD@HOST (TLS from the start), or "
        "smtp:// (STARTTLS); its certificate is checked. Without it no e-mail is sent",
    )
    smtp_ca_file: FilePath | None = Field(
        default=None, description="certificates, PEM, of its authority, where no system knows that"
    )
    mail_from: MailAddress | None = Field(
        default=None,
        validate_default=True,
        description="sender's address of e-mails; needed with the server",
    )
    sms_webhook: Webhook | None = Field(
        default=None, description="https address that sends a text message (docs/operators.md)"
    )
    sms_webhook_token: SecretStr | None = Field(
        default=None, description="sent to it as `Authorization: Bearer`"
    )
    wework_webhook: Webhook | None = Field(
        default=None, description="https address of the robot of a WeChat Work group"
    )
    keep_messages: bool = Field(
        default=False,
        description="for demos: keep messages, whose texts the console then shows, and send none",
    )
    host: str = Field(default="127.0.0.1", description="address that `serve` listens on")
    port: int = Field(default=8000, ge=1, le=65535, description="its port")
    staff_host: str = Field(default="127.0.0.1", description="address that `console` listens on")
    staff_port: int = Field(default=8001, ge=1, le=65535, description="its port")
    staff_url: SiteAddress = Field(
        default="http://127.0.0.1:8001",
        description="address of the staff site; https makes its cookies Secure, and passkeys are "
        "bound to its host: a new host ends them",
    )
    staff_contact: str | None = Field(
        default=None,
        max_length=200,
        description="whom to ask for a new sign-in link: name and telephone; shown at the sign-in",
    )
    staff_openid_issuer: str | None = Field(
        default=None, description="OpenID Connect issuer that signs staff in"
    )
    staff_openid_client_id: str | None = Field(
        default=None, description="the client that it knows the staff site as"
    )
    staff_openid_client_secret_file: Path | None = Field(
        default=None, description="file with the secret of that client"
    )
    workers: int = Field(
        default_factory=lambda: min(os.cpu_count() or 1, DEFAULT_MAX_WORKERS),
        ge=1,
        le=256,
        description="worker processes of `serve`",
    )
    serve_machines: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="machines that run `serve`; for the check of PostgreSQL's connections",
    )
    queue_limit: int = Field(
        default=20_000, ge=1, description="votes that may wait in one worker before it answers 503"
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="address on which each service answers Prometheus"
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="port of /metrics, of each service its own; without it there are no metrics",
    )
    metrics_dir: Path | None = Field(
        default=None,
        description="folder in which the workers of `serve` add up their metrics; by default a "
        "temporary one",
    )
    traces_url: HttpUrl | None = Field(
        default=None,
        description="OTLP/HTTP receiver of OpenTelemetry traces, such as "
        "http://127.0.0.1:4318/v1/traces; needs the extra `traces`. Without it there are none",
    )
    traces_share: float = Field(
        default=0.01, gt=0, le=1, description="part of the requests and batches that is traced"
    )
    log_key_file: FilePath | None = Field(
        default=None,
        description="Ed25519 private key, PEM; signs the public logs. Without it there are none",
    )
    log_folder: Path | None = Field(
        default=None,
        description="folder of the public logs, published as /log; without it there are none",
    )
    log_host: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:-]+$",
        description="host in the names of the public logs, HOST/log/SLUG, which never change. "
        "Default: that of the public address",
    )
    log_bundle_seconds: int = Field(
        default=600,
        ge=1,
        le=3600,
        description="how long ballots wait for a bundle of the public log that is not full",
    )
    log_witnesses: LogWitnesses = Field(
        default=(),
        description="witnesses of the public logs, separated by commas: the verifier key of each, "
        "a space, and its address",
    )
    fonts: DirectoryPath | None = Field(
        default=None, description="folder of fonts for characters that ours lack"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged"
    )
    data: Path | None = Field(default=None, description="folder of a demo")

    @field_validator("mail_from")
    @classmethod
    def _has_sender(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("smtp_url") is not None:
            raise PydanticCustomError("missing", "missing")
        return value

    @field_validator("person_key")
    @classmethod
    def _outlives_the_master_key(
        cls, value: SecretBytes | None, info: ValidationInfo
    ) -> SecretBytes | None:
        """Persons must be known again under another master key."""
        master_key = info.data.get("master_key")
        key = None if master_key is None else master_key.get_secret_value()
        if value is None and isinstance(key, MasterKey) and key.older:
            raise PydanticCustomError("person_key_missing", "person_key_missing")
        return value

    @property
    def passkey_host(self) -> str | None:
        """The host that passkeys of the staff site are bound to. None where browsers have none: at
        an address in numbers, and over http anywhere but on this machine."""
        parts = urlsplit(self.staff_url)
        host = parts.hostname or ""
        is_local = host == "localhost"
        is_name = is_local or host.rpartition(".")[2][:1].isalpha()
        return host if is_name and (is_local or parts.scheme == "https") else None

    @property
    def migration_url(self) -> str:
        """The URL for what only the owner of the tables may do."""
        return self.owner_database_url or self.database_url


class MigrationSettings(BaseSettings):
    """What `migrate` needs."""

    model_config = Settings.model_config

    database_url: PostgresUrl | None = None
    owner_database_url: PostgresUrl | None = None


OTHER_VARIABLES = ("STAFF_PASSWORD", "STAFF_CODE", "DEMO_PART_OF")
"""Variables with our prefix that are no settings: for scripts that sign in, and of the demo."""
MAY_BE_EMPTY = ("TRUSTED_PROXIES", "EXEMPT_NETWORKS")
"""Lists of networks, which may be given as none."""

S = TypeVar("S", bound=BaseSettings)


def load_settings(**overrides: Any) -> Settings:
    """Load the settings from the environment. Raises SettingsFault with every fault."""
    return _load(Settings, **overrides)


def load_migration_url() -> str:
    """Load the URL to migrate with: the owner's, or the services'. Raises SettingsFault."""
    settings = _load(MigrationSettings)
    url = settings.owner_database_url or settings.database_url
    if url is None:
        raise SettingsFault(Fault(PREFIX + "OWNER_DATABASE_URL", "settings.missing"))
    return url


def _load(kind: type[S], **overrides: Any) -> S:
    data = os.environ.get(PREFIX + "DATA")
    env_file = Path(data) / DEMO_SETTINGS_FILE if data else None
    if env_file is not None and not env_file.is_file():
        raise SettingsFault(
            Fault(PREFIX + "DATA", "settings.no_demo_in_folder", data=data, name=env_file.name)
        )
    faults = _faults_of_names(os.environ)
    named = {fault.field for fault in faults}
    try:
        settings = kind(_env_file=env_file, **overrides)
    except ValidationError as error:
        if not any(name.upper().startswith(PREFIX) for name in os.environ):
            faults.append(Fault(PREFIX + "DATA", "settings.none_set"))
        faults += [fault for fault in map(_fault, error.errors()) if fault.field not in named]
    if faults:
        raise SettingsFault(*faults)
    return settings


def _faults_of_names(environment: Mapping[str, str]) -> list[Fault]:
    """Return the variables with our prefix that are misspelt or empty."""
    variables = {PREFIX + name.upper() for name in (*Settings.model_fields, *OTHER_VARIABLES)}
    faults = []
    for name, value in sorted(environment.items()):
        if not name.upper().startswith(PREFIX):
            continue
        if name.upper() not in variables:
            nearest = get_close_matches(name.upper(), sorted(variables), n=1, cutoff=0.0)
            faults.append(Fault(name, "settings.unknown", nearest=nearest[0]))
        elif not value.strip() and name.upper().removeprefix(PREFIX) not in MAY_BE_EMPTY:
            faults.append(Fault(name, "settings.empty"))
    return faults


OUR_FAULTS = (
    *("missing", "not_base64", "key_wrong_length", "key_listed_twice", "not_postgres_url"),
    "person_key_missing",
    *("sslmode_unknown", "not_valkey_url", "not_site_address", "address_with_path"),
    *("not_a_contact", "not_smtp_url", "smtp_not_encrypted", "not_webhook", "not_mail_address"),
)


def _fault(detail: ErrorDetails) -> Fault:
    """Return pydantic's error as a fault; our own types have their sentences in the catalogue."""
    variable = PREFIX + "_".join(str(part) for part in detail["loc"][:1]).upper()
    if detail["type"] in OUR_FAULTS:
        return Fault(variable, f"settings.{detail['type']}", **detail.get("ctx", {}))
    return Fault.verbatim(variable, detail["msg"])


def share_metrics_folder(folder: Path) -> None:
    """Make worker processes that are started later add up their metrics in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.db"):
        stale.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def staff_credentials() -> tuple[str | None, str | None]:
    """Return VOTING_STAFF_PASSWORD and VOTING_STAFF_CODE, which scripts set to sign in."""
    return os.environ.get(PREFIX + "STAFF_PASSWORD"), os.environ.get(PREFIX + "STAFF_CODE")
