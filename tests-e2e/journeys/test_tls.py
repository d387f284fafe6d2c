"""The product over TLS, and not without it where others could listen."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from harness.launch import launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD
from shared.testing.certificates import throwaway


async def test_over_tls_a_browser_gets_a_cookie_bound_to_it(tmp_path: Path) -> None:
    cert, key = throwaway(tmp_path)
    environment = ADMINISTRATOR | {
        "MARQUEE_PORT": "0",
        "MARQUEE_HOST": "0.0.0.0",
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
        "MARQUEE_TLS_CERT": str(cert),
        "MARQUEE_TLS_KEY": str(key),
    }
    trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(cert)))
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        launched(log=tmp_path / "log", environment=environment) as process,
        aiohttp.ClientSession(connector=trusting, cookie_jar=jar) as browser,
    ):
        assert process.url.startswith("https://127.0.0.1:")
        credentials = {"email": EMAIL, "password": PASSWORD}
        async with browser.post(process.url + "/api/auth/login", json=credentials) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith("__Host-marquee_session=")
            assert "Secure" in cookie
            assert "Strict-Transport-Security" in answer.headers
        async with browser.get(process.url + "/api/auth/session") as answer:
            assert (await answer.json())["user"]["email"] == EMAIL
        async with browser.ws_connect(process.url + "/ws", origin=process.url) as ws:
            assert (await ws.receive_json(timeout=5))["type"] == "hello"
        plain = process.url.replace("https://", "http://", 1)
        with pytest.raises(aiohttp.ClientError):
            await browser.get(plain + "/livez")


async def test_without_tls_it_does_not_listen_to_everybody(tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = {"MARQUEE_HOST": "0.0.0.0", "MARQUEE_DATA_DIR": str(tmp_path / "data")}
    with pytest.raises(AssertionError):
        async with asyncio.timeout(30), launched(log=log, environment=environment):
            pass
    assert "MARQUEE_TLS_CERT" in log.read_text()
    assert not (tmp_path / "data").exists()
