"""Settings: typed, frozen, from the environment, an `.env` file, or the file a `NAME_FILE` names.

Every default is safe in production. Nothing here branches on an environment's name: the single
switch is `PRODUCTION`, and all it does is forbid what only a laptop may have.
"""

import base64
import binascii
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from medical_ai.core.secret_source import HELD, NamedFileSource
from medical_ai.core.secret_source import SettingsError as SettingsError  # for whoever reads them

SIGNING_SECRETS = ("secret_key", "jwt_secret", "jwt_refresh_secret")
AES_KEY_BYTES = 32
ROLE_NAMES = "(patient|doctor|nurse|billing|administrator)"
SMTP_DEADLINES = 3
"""One e-mail may take this many times SMTP_TIMEOUT_SECONDS in all."""


class Settings(BaseSettings):
    """Everything an operator can set. The description of each is its documentation."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # -- The installation
    production: bool = Field(
        True,
        description="Off only on a laptop: allows plain http, demo people and no rate limits.",
    )
    public_url: str = Field(
        "http://127.0.0.1:5000",
        description="Address people open, used in e-mails. Must be https in production.",
    )
    data_dir: Path = Field(
        Path("instance"), description="Folder of the embedded database and of generated files."
    )
    default_hospital_name: str = Field(
        "Home", description="Hospital that people who sign up by themselves belong to."
    )
    default_country: str = Field(
        "",
        pattern=r"^([A-Z]{2})?$",
        description="ISO 3166 code whose emergency numbers are shown when a patient's is unknown.",
    )
    trusted_proxy_hops: int = Field(
        1, ge=0, le=3, description="Reverse proxies in front whose X-Forwarded-* are believed."
    )
    cors_origins: str = Field(
        "", description="Origins, separated by commas, that browsers may call the API from."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged."
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="`json` for machines, `console` for a person at a terminal."
    )
    max_body_bytes: int = Field(
        1_048_576, ge=1024, description="Largest request body accepted, in bytes."
    )

    # -- Secrets
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs form tokens. 32 or more random characters."
    )
    jwt_secret: SecretStr = Field(
        SecretStr(""), description="Signs access tokens. 32 or more random characters."
    )
    jwt_refresh_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs refresh tokens; different from JWT_SECRET. 32 or more characters.",
    )
    jwt_secret_previous: SecretStr = Field(
        SecretStr(""), description="Former JWT_SECRET, still accepted while it is being replaced."
    )
    jwt_refresh_secret_previous: SecretStr = Field(
        SecretStr(""), description="Former JWT_REFRESH_SECRET, still accepted likewise."
    )
    encryption_keys: SecretStr = Field(
        SecretStr(""),
        description="Key ring: base64 keys of 32 bytes, separated by commas; the first seals.",
    )

    # -- Database
    database_url: SecretStr = Field(
        SecretStr(""),
        description="e.g. mysql+pymysql://medical_user:…@localhost/medical_ai_db; empty: SQLite.",
    )
    migration_database_url: SecretStr = Field(
        SecretStr(""),
        description="URL of the database's owner, for `db.py` and restores; empty: DATABASE_URL.",
    )
    database_ssl_ca: Path | None = Field(
        None, description="CA file; when set, the database's certificate and name are verified."
    )
    database_pool_size: int = Field(5, ge=1, description="Connections kept open per process.")
    database_pool_overflow: int = Field(
        10, ge=0, description="Connections opened beyond the pool under load, per process."
    )
    database_connect_timeout_seconds: int = Field(
        3, ge=1, description="Longest wait for a connection to the database."
    )
    database_timeout_seconds: int = Field(
        30, ge=1, description="Longest wait for one answer of the database."
    )

    # -- Accounts
    access_token_seconds: int = Field(900, ge=1, description="Life of an access token.")
    refresh_token_seconds: int = Field(604_800, ge=60, description="Life of a refresh token.")
    refresh_grace_seconds: int = Field(
        5,
        ge=0,
        le=30,
        description="How long a just-exchanged refresh token may return from the same client.",
    )
    session_idle_seconds: int = Field(
        604_800, ge=60, description="A patient's session ends after this long without use."
    )
    session_absolute_seconds: int = Field(
        2_592_000, ge=60, description="A patient's session ends this long after signing in."
    )
    staff_session_idle_seconds: int = Field(
        3600, ge=60, description="A session of staff ends after this long without use."
    )
    staff_session_absolute_seconds: int = Field(
        43_200, ge=60, description="A session of staff ends this long after signing in."
    )
    personal_token_max_days: int = Field(
        365, ge=1, le=365, description="Longest life of a personal access token, in days."
    )
    personal_tokens_per_person: int = Field(
        20, ge=1, le=200, description="Personal access tokens that one person may have at a time."
    )
    geoip_database: Path | None = Field(
        None,
        description="MaxMind-format file that names the place of an address; needs `maxminddb`.",
    )
    token_issuer: str = Field("medical-ai-assistant", description="`iss` of our tokens.")
    token_audience: str = Field("medical-ai-assistant", description="`aud` of our tokens.")
    cookie_secure: bool = Field(
        True, description="Cookies are Secure and `__Host-`; off only for plain http on a laptop."
    )
    password_hashes_at_once: int = Field(
        2, ge=1, description="Password hashes computed at the same time, per process (19 MiB each)."
    )
    email_verification: Literal["off", "offered", "required"] = Field(
        "offered", description="Whether people confirm their e-mail address; needs SMTP_HOST."
    )
    verification_link_hours: int = Field(
        48, ge=1, le=168, description="Life of a link that confirms an e-mail address."
    )
    reset_link_minutes: int = Field(
        30, ge=5, le=1440, description="Life of a link that sets a new password."
    )
    second_factor_required_roles: str = Field(
        "doctor,nurse,billing,administrator",
        pattern=rf"^(none|{ROLE_NAMES}(,{ROLE_NAMES})*)$",
        description="Roles, separated by commas, that must set up a second factor; or `none`.",
    )
    account_deletion_days: int = Field(
        14, ge=1, le=90, description="Days in which the deletion of an account can be called off."
    )
    demo_password: SecretStr = Field(
        SecretStr(""), description="Password of the demo people; empty: random and printed."
    )

    # -- Identity provider
    oidc_issuer: str = Field(
        "", description="Issuer, letter by letter as its discovery names it; empty: off."
    )
    oidc_client_id: str = Field("", description="Client id of this installation there.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Secret of that client.")
    oidc_name: str = Field(
        "your organisation", max_length=40, description="What people call it; on its button."
    )
    oidc_second_factor: bool = Field(
        False,
        description="The provider asks staff for a second factor; off: they need one here, too.",
    )
    oidc_scopes: str = Field(
        "openid profile email", description="Scopes asked for at sign-in, separated by spaces."
    )
    oidc_audience: str = Field(
        "", description="`aud` of its access tokens for our API; empty: none is accepted."
    )
    oidc_roles_claim: str = Field("", description="Claim that lists somebody's roles there.")
    oidc_role_map: str = Field(
        "", description="e.g. physicians=doctor,ward-staff=nurse; the first pair that fits counts."
    )
    oidc_permissions_claim: str = Field(
        "", description="Claim of an access token that narrows what it may do here."
    )
    oidc_hospital_claim: str = Field("", description="Claim with the short name of the hospital.")
    oidc_hospital: str = Field(
        "", description="Short name of the hospital of new people; empty: the default one."
    )
    oidc_sign_up: bool = Field(
        False, description="Whether people without an account here get one as patients."
    )
    oidc_logout_url: str = Field(
        "", description="Where its session is ended, if its discovery does not say."
    )
    oidc_timeout_seconds: int = Field(3, ge=1, le=10, description="Longest wait for its answers.")
    oidc_keys_seconds: int = Field(
        300, ge=1, le=86_400, description="How long its keys are kept before they are read again."
    )

    # -- Limits
    ratelimit_enabled: bool = Field(
        True, description="Off lifts the rate limits; refused in production."
    )
    ratelimit_default: str = Field(
        "20 per second", description="Requests per client address and process."
    )
    ratelimit_storage_url: SecretStr = Field(
        SecretStr("memory://"),
        description="Where request counts live; memory: in each process.",
    )
    login_attempts_per_minute: int = Field(
        5, ge=1, description="Wrong passwords per client address, over all processes."
    )
    login_delay_longest_seconds: int = Field(
        900, ge=1, description="Delays after wrong passwords double up to this."
    )
    signups_per_minute: int = Field(
        5, ge=1, description="New accounts per client address, over all processes."
    )
    chat_streams_at_once: int = Field(
        16, ge=1, description="Answers streamed at the same time, per process."
    )
    chat_timeout_seconds: int = Field(30, ge=1, description="Longest time for one streamed answer.")

    break_glass_minutes: int = Field(
        60,
        ge=5,
        le=480,
        description="How long a record stays open that was opened in an emergency.",
    )
    break_glass_per_day: int = Field(
        5, ge=1, description="Records one doctor may open in an emergency within 24 hours."
    )

    # -- Mail
    smtp_host: str = Field("", description="Mail server; empty: no e-mail is sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection to the mail server is protected."
    )
    smtp_username: str = Field("", description="Name to sign in to the mail server with.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password for the mail server.")
    smtp_timeout_seconds: int = Field(
        10, ge=1, le=60, description="Longest wait for the mail server."
    )
    mail_from: str = Field(
        "Medical AI Assistant <assistant@localhost>", description="Sender of e-mails."
    )

    # -- Worker
    worker_tick_seconds: float = Field(
        1.0, gt=0, le=10, description="How often the worker looks for what is due."
    )
    plan_ahead_hours: int = Field(
        96, ge=84, le=336, description="How far ahead doses are written to the ledger."
    )
    dose_missed_after_minutes: int = Field(
        240, ge=1, description="A dose nobody answered counts as missed after this long."
    )
    job_lease_seconds: int = Field(
        60, ge=5, description="How long a job may run before another worker takes it over."
    )
    job_attempts: int = Field(10, ge=1, description="Tries before a job is given up and reported.")
    job_threads: int = Field(4, ge=1, le=32, description="Jobs one worker runs at the same time.")

    # -- Audit
    audit_anchor_file: Path | None = Field(
        None, description="File that the head of the audit chain is appended to; best elsewhere."
    )
    audit_anchor_email: str = Field(
        "", max_length=254, description="Address that the head of the audit chain is mailed to."
    )
    audit_anchor_webhook: SecretStr = Field(
        SecretStr(""), description="URL that the head of the audit chain is posted to, as JSON."
    )
    audit_anchor_hours: int = Field(
        24, ge=1, le=168, description="How often the head of the audit chain is anchored outside."
    )
    audit_former_keys: str = Field(
        "",
        pattern=r"^([0-9a-f]{64}(,[0-9a-f]{64})*)?$",
        description="Public keys, in hex, of keys that left the ring: their blocks are verified.",
    )

    # -- Monitoring
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Opens /metrics to a Prometheus elsewhere; empty: this host only.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the hook's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then `NAME_FILE`, then the `.env` file."""
        return init_settings, env_settings, NamedFileSource(settings_cls), dotenv_settings

    @cached_property
    def sqlalchemy_url(self) -> str:
        """The database's URL; the embedded SQLite file when none is configured."""
        url = self.database_url.get_secret_value()
        return url or f"sqlite:///{self.data_dir.absolute() / 'medical_ai.db'}"

    def with_database(self, url: SecretStr) -> "Settings":
        """Return the same settings for another database."""
        changed = self.model_copy(update={"database_url": url})
        changed.__dict__.pop("sqlalchemy_url", None)  # worked out from the one before
        return changed

    def as_owner(self) -> "Settings":
        """Return the settings of whoever may change tables: the database's owner, if one is set."""
        return self.with_database(self.migration_database_url or self.database_url)

    @cached_property
    def ring_keys(self) -> tuple[bytes, ...]:
        """The key ring's keys, 32 bytes each; the first seals, all of them open."""
        parts = [part.strip() for part in self.encryption_keys.get_secret_value().split(",")]
        try:
            keys = tuple(base64.b64decode(part, validate=True) for part in parts if part)
        except binascii.Error:
            keys = (b"",)
        if not keys or any(len(key) != AES_KEY_BYTES for key in keys):
            raise SettingsError("ENCRYPTION_KEYS must hold base64 keys of exactly 32 bytes each")
        return keys

    @property
    def asks_for_verification(self) -> Literal["off", "offered", "required"]:
        """How addresses are confirmed, which nothing can be where no e-mail is sent."""
        return self.email_verification if self.smtp_host else "off"

    @cached_property
    def second_factor_roles(self) -> frozenset[str]:
        """Roles whose sessions can do nothing but set up a second factor until there is one."""
        return frozenset(self.second_factor_required_roles.split(",")) - {"none"}

    @cached_property
    def former_audit_keys(self) -> tuple[str, ...]:
        """Public keys that only verify the audit chain."""
        return tuple(filter(None, self.audit_former_keys.split(",")))

    @cached_property
    def allowed_origins(self) -> list[str]:
        """Origins that CORS admits; empty means none."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]


def hold_secrets() -> None:
    """Remember what the secrets' files hold, before the process gives up its right to read them.

    They stay in this process: the environment would hand them on to every program it starts.
    """
    HELD.update(NamedFileSource(Settings)())


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    `ENV_FILE` names the `.env` file to read (default `.env`). Raises SettingsError that names
    each variable whose value does not fit, without showing the value.
    """
    Settings.model_config["env_file"] = os.environ.get("ENV_FILE", ".env")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(
            f"{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(problems) from None
