"""Settings: environment variables with the prefix ``MARQUEE_``, each also as ``..._FILE``."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "MARQUEE_"


class SettingsError(Exception):
    """A variable has a value it cannot have; the message names it and says what it takes."""


class FileSource(PydanticBaseSettingsSource):
    """Reads ``MARQUEE_X_FILE``: the path of a file that holds the value of ``MARQUEE_X``."""

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 - pydantic's signature
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """The stripped content of the file, if one is named. Raises SettingsError."""
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable}: cannot read {path}: {error}") from error

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        values = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class MarqueeSettings(BaseSettings):
    """Base of every group of settings; each service adds its own."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over files."""
        return init_settings, env_settings, FileSource(settings_cls)

    @classmethod
    def load(cls, **values: Any) -> Self:
        """Read the environment. Raises SettingsError naming every wrong variable."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError("\n".join(map(cls._complaint, error.errors()))) from None

    @classmethod
    def _complaint(cls, error: Any) -> str:
        """What the variable takes, and what it was given unless that is secret."""
        name = str(error["loc"][0])
        if error["type"] == "too_short":
            told = f"takes at least {error['ctx']['min_length']} characters"
        else:
            told = error["msg"].removeprefix("Value error, ")
        secret = "SecretStr" in repr(cls.model_fields[name].annotation)
        return f"{PREFIX}{name.upper()}: {told}" + ("" if secret else f", not {error['input']!r}")


def _address(*schemes: str) -> AfterValidator:
    """Refuses, without repeating a password, what does not begin with one of the schemes."""

    def check(value: SecretStr) -> SecretStr:
        scheme, separator, _ = value.get_secret_value().partition("://")
        if not separator or scheme not in schemes:
            raise ValueError(f"an address that begins with {schemes[0]}://")
        return value

    return AfterValidator(check)


PostgresUrl = Annotated[SecretStr, _address("postgresql", "postgres", "postgresql+asyncpg")]
AmqpUrl = Annotated[SecretStr, _address("amqp", "amqps")]


def _split(value: object) -> object:
    """The parts of a list with commas."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _origin(value: object) -> str:
    """An origin as browsers write it (RFC 6454, section 6.2)."""
    parts = urlsplit(str(value).strip().lower())
    try:
        plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        host, port = parts.hostname, parts.port
    except ValueError:
        plain, usual, host, port = False, None, None, None
    if not plain or usual is None or not host:
        raise ValueError("takes an origin such as https://admin.example.com")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError("takes addresses or networks such as 10.0.0.0/8") from None


Origin = Annotated[str, BeforeValidator(_origin)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]

_Secret = Annotated[SecretStr, Field(min_length=32)]
Secrets = Annotated[tuple[_Secret, ...], NoDecode, BeforeValidator(_split)]

Port = Annotated[int, Field(ge=0, le=65535)]

SERVICE_PORTS = {
    "identity": 8081,
    "converter": 8082,
    "converter-worker": 8083,
    "assignment": 8084,
    "audit": 8085,
    "notifier": 8086,
}
"""Where a service listens in a process of its own; the gateway has ``MARQUEE_PORT``."""


class RuntimeSettings(MarqueeSettings):
    """What every process needs to know; on one machine all of it may be left out.

    ``service_host`` and ``service_port`` are where a service other than the gateway listens when
    it has a process of its own (0 takes any free port); ``<name>_url`` is where others find it.
    ``require_tls`` refuses to start with a database, broker or store that is spoken to in plain.
    ``public_url`` is where browsers find the gateway, if something stands before it; what
    ``trusted_proxies`` say of their clients is believed, and pages of ``allowed_origins`` may act
    for people.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    service_host: str = "127.0.0.1"
    service_port: Port | None = None
    data_dir: Path = Path("data")

    public_url: Origin | None = None
    trusted_proxies: Networks = ()
    allowed_origins: Origins = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    require_tls: bool = False

    database_url: PostgresUrl | None = None
    database_admin_url: PostgresUrl | None = None
    amqp_url: AmqpUrl | None = None

    s3_endpoint: str | None = None
    s3_bucket: str | None = None
    s3_region: str = "us-east-1"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None
    s3_public_endpoint: str | None = None

    secret_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    audit_signing_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    old_secret_keys: Secrets = ()

    identity_url: str = f"http://127.0.0.1:{SERVICE_PORTS['identity']}"
    converter_url: str = f"http://127.0.0.1:{SERVICE_PORTS['converter']}"
    assignment_url: str = f"http://127.0.0.1:{SERVICE_PORTS['assignment']}"
    audit_url: str = f"http://127.0.0.1:{SERVICE_PORTS['audit']}"
    notifier_url: str = f"http://127.0.0.1:{SERVICE_PORTS['notifier']}"

    log_format: Literal["console", "json"] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def external(self) -> bool:
        """Whether any part lives outside this process and its data directory."""
        return bool(self.database_url or self.amqp_url or self.s3_bucket)
