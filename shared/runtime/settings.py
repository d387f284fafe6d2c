"""Settings: environment variables with the prefix ``MARQUEE_``, each also as ``..._FILE``."""

from __future__ import annotations

import os
from collections.abc import Callable
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
    """Base of every group of settings; each service adds its own. Each field has a docstring."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        use_attribute_docstrings=True,  # docs/configuration.md is made of them
    )

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


def _address(*schemes: str) -> Callable[[str], str]:
    """Refuses, without repeating a password, what does not begin with one of the schemes."""

    def check(value: str) -> str:
        scheme, separator, _ = value.partition("://")
        if not separator or scheme not in schemes:
            raise ValueError(f"an address that begins with {schemes[0]}://")
        if not _has_a_port_or_none(value):
            raise ValueError("an address with a number as its port; a password's / is written %2F")
        parts = urlsplit(value)
        if not (parts.netloc.rpartition("@")[2] or "host=" in parts.query):
            # drivers would look for what happens to be on this machine
            raise ValueError(f"an address with a host, such as {schemes[0]}://host")
        return value

    return check


def _secret_address(*schemes: str) -> AfterValidator:
    check = _address(*schemes)

    def checked(value: SecretStr) -> SecretStr:
        check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _has_a_port_or_none(url: str) -> bool:
    """What stands where a port should may be half a password, and libraries would repeat it."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


PostgresUrl = Annotated[SecretStr, _secret_address("postgresql", "postgres", "postgresql+asyncpg")]
AmqpUrl = Annotated[SecretStr, _secret_address("amqp", "amqps")]
HttpUrl = Annotated[str, AfterValidator(_address("http", "https"))]
Bucket = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,255}$")]


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
    """What every process needs to know.

    On one machine all of it may be left out.
    """

    host: str = "127.0.0.1"
    """Where the gateway listens. Elsewhere than on loopback it wants TLS, or a trusted proxy."""
    port: Port = 8080
    """The gateway's port; 0 takes any free one."""
    service_host: str = "127.0.0.1"
    """Where a service other than the gateway listens when it has a process of its own."""
    service_port: Port | None = None
    """Its port: left out, identity has 8081, converter 8082, converter-worker 8083, assignment
    8084, audit 8085 and notifier 8086; 0 takes any free one."""
    data_dir: Path = Path("data")
    """The directory of the embedded database, blobs, generated secrets and scratch files."""

    public_url: Origin | None = None
    """Where browsers find the gateway, if something stands before it."""
    trusted_proxies: Networks = ()
    """Addresses or networks of proxies: what they say of their clients in `X-Forwarded-*` is
    believed."""
    allowed_origins: Origins = ()
    """Origins whose pages may act for people, besides its own."""
    tls_cert: Path | None = None
    """The certificate with its chain, in PEM: the gateway then speaks TLS itself."""
    tls_key: Path | None = None
    """The certificate's private key, in PEM."""
    insecure: bool = False
    """Listen beyond loopback without TLS and without a trusted proxy all the same."""
    require_tls: bool = False
    """Refuse to start with a database, broker or store that would be spoken to in plain."""

    database_url: PostgresUrl | None = None
    """PostgreSQL 15 or newer, as `postgresql://USER:PASSWORD@HOST/NAME`; left out, an embedded
    one is started."""
    database_admin_url: PostgresUrl | None = None
    """The same with an account that may create roles and schemas, for migrations; left out, the
    one above."""
    amqp_url: AmqpUrl | None = None
    """RabbitMQ, as `amqp://USER:PASSWORD@HOST/VHOST`, or `amqps://`; left out, an embedded bus, and
    all services in one process."""

    outbox_max: Annotated[int, Field(ge=1)] = 1_000_000
    """Events of a service that may wait while the broker takes none; while there are as many, it
    refuses what would add to them, with 503."""

    s3_endpoint: HttpUrl | None = None
    """The address of an S3-compatible store; left out, Amazon's."""
    s3_bucket: Bucket | None = None
    """The bucket for originals and renditions; left out, a directory holds them."""
    s3_region: str = "us-east-1"
    """The bucket's region."""
    s3_access_key: SecretStr | None = None
    """The account in the store; left out, what the AWS SDK finds."""
    s3_secret_key: SecretStr | None = None
    """Its secret."""
    s3_public_endpoint: HttpUrl | None = None
    """The store's address as browsers see it: media is then fetched from there."""

    secret_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    """The root of all keys but one, 32 characters or more; generated in the data directory, but
    required once any part is external."""
    audit_signing_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    """What the key that signs the trail is made of, 32 characters or more; like the one above."""
    old_secret_keys: Secrets = ()
    """What `MARQUEE_SECRET_KEY` was before, with commas: needed for a day after a change, while
    answers are kept that were sealed with it."""

    identity_url: HttpUrl = f"http://127.0.0.1:{SERVICE_PORTS['identity']}"
    """Where the gateway finds identity in a process of its own."""
    converter_url: HttpUrl = f"http://127.0.0.1:{SERVICE_PORTS['converter']}"
    """Where the gateway finds converter."""
    assignment_url: HttpUrl = f"http://127.0.0.1:{SERVICE_PORTS['assignment']}"
    """Where the gateway finds assignment."""
    audit_url: HttpUrl = f"http://127.0.0.1:{SERVICE_PORTS['audit']}"
    """Where the gateway finds audit."""
    notifier_url: HttpUrl = f"http://127.0.0.1:{SERVICE_PORTS['notifier']}"
    """Where the gateway finds notifier."""

    log_format: Literal["console", "json"] | None = None
    """For people or for machines; left out, `console` on a terminal, else `json`."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""

    @property
    def external(self) -> bool:
        """Whether any part lives outside this process and its data directory."""
        return bool(self.database_url or self.amqp_url or self.s3_bucket)
