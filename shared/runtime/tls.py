"""TLS on the public port and to other machines, and refusals to do without it."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from shared.runtime.settings import RuntimeSettings, SettingsError


def public_tls(settings: RuntimeSettings) -> ssl.SSLContext | None:
    """What the gateway speaks TLS with; None for plain HTTP.

    Raises SettingsError if the certificate cannot be used, or if plain HTTP would leave this
    machine without a trusted proxy that speaks TLS for us.
    """
    if settings.tls_cert is None and settings.tls_key is None:
        _require_privacy(settings)
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise SettingsError("MARQUEE_TLS_CERT, MARQUEE_TLS_KEY: one needs the other")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(f"MARQUEE_TLS_CERT, MARQUEE_TLS_KEY: {error}") from error
    return context


def require_private_parts(settings: RuntimeSettings) -> None:
    """Refuse parts elsewhere that are not spoken to by TLS, if the operator wants that.

    Raises SettingsError with the name of the variable.
    """
    if not settings.require_tls:
        return
    for name in ("database_url", "database_admin_url"):
        url = getattr(settings, name)
        if url and not _private_database(url.get_secret_value()):
            raise _plain(name, "with sslmode=verify-full (or verify-ca, or require)")
    if settings.amqp_url and not settings.amqp_url.get_secret_value().startswith("amqps://"):
        raise _plain("amqp_url", "that begins with amqps://")
    for name in ("s3_endpoint", "s3_public_endpoint"):
        if not (getattr(settings, name) or "https://").startswith("https://"):
            raise _plain(name, "that begins with https://")


def _private_database(url: str) -> bool:
    query = parse_qs(urlsplit(url).query)
    by_socket = query.get("host", [""])[-1].startswith("/")
    return by_socket or query.get("sslmode", [""])[-1] in ("require", "verify-ca", "verify-full")


def _plain(name: str, takes: str) -> SettingsError:
    return SettingsError(
        f"MARQUEE_{name.upper()}: MARQUEE_REQUIRE_TLS is set; takes an address {takes}"
    )


def _require_privacy(settings: RuntimeSettings) -> None:
    if settings.insecure or settings.trusted_proxies or _stays_here(settings.host):
        return
    raise SettingsError(
        f"MARQUEE_TLS_CERT, MARQUEE_TLS_KEY: required to listen at {settings.host}, or name the "
        "proxy that speaks TLS for us in MARQUEE_TRUSTED_PROXIES; MARQUEE_INSECURE=1 does without"
    )


def _stays_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_password() -> str:
    """Refuse an encrypted key rather than ask for its password on the terminal."""
    raise ValueError("the key is encrypted")
