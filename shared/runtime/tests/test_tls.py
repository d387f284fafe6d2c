"""Plain HTTP stays on this machine; beyond it there is TLS, a proxy that speaks it, or a word."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.settings import RuntimeSettings, SettingsError
from shared.runtime.tls import public_tls
from shared.testing.certificates import throwaway


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_nothing(host: str) -> None:
    assert public_tls(RuntimeSettings.load(host=host)) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "marquee.example.com"])
def test_elsewhere_plain_http_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"MARQUEE_TLS_CERT.*MARQUEE_INSECURE"):
        public_tls(RuntimeSettings.load(host=host))


@pytest.mark.parametrize("word", [{"trusted_proxies": "10.0.0.0/8"}, {"insecure": "1"}])
def test_elsewhere_takes_a_proxy_or_a_word(word: dict[str, Any]) -> None:
    assert public_tls(RuntimeSettings.load(host="0.0.0.0", **word)) is None


def test_a_certificate_is_used_wherever_it_is(tmp_path: Path) -> None:
    cert, key = throwaway(tmp_path)
    context = public_tls(RuntimeSettings.load(host="0.0.0.0", tls_cert=cert, tls_key=key))
    assert isinstance(context, ssl.SSLContext)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    cert, key = throwaway(tmp_path)
    (tmp_path / "other").mkdir()
    _, foreign = throwaway(tmp_path / "other")
    for wrong in (
        {"tls_cert": cert},
        {"tls_key": key},
        {"tls_cert": cert, "tls_key": foreign},
        {"tls_cert": cert, "tls_key": tmp_path / "missing"},
        {"tls_cert": key, "tls_key": key},
    ):
        with pytest.raises(SettingsError, match="MARQUEE_TLS_CERT, MARQUEE_TLS_KEY"):
            public_tls(RuntimeSettings.load(**wrong))
