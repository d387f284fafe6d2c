"""TLS on the public port, and the refusal to do without it where others could listen."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

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
