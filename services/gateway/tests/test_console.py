"""The console's page and files: cached as they may be, fenced in, and never in the API's way."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.gateway.console import BUNDLE, SECTIONS
from services.gateway.describe import whole
from services.gateway.tests.house import House, open_house
from shared.web.problems import CONTENT_TYPE

SCRIPT = "/static/index-4f2a91c0.js"
CODE = b"console.log('marquee');" * 100
SOURCES = BUNDLE.parent / "src"
ROUTER = SOURCES / "app" / "router.tsx"
WORDS = SOURCES / "words"


@pytest.fixture
async def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A gateway with a bundle."""
    bundle = tmp_path / "dist"
    (bundle / "static").mkdir(parents=True)
    (bundle / "index.html").write_text(f'<!doctype html><script src="{SCRIPT}"></script>')
    (bundle / "favicon.svg").write_text("<svg/>")
    script = bundle / SCRIPT.lstrip("/")
    script.write_bytes(CODE)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(CODE))
    (bundle / "static" / "secret.txt").write_text("not a kind of file that is served")
    monkeypatch.setenv("MARQUEE_CONSOLE_DIR", str(bundle))
    async with open_house(tmp_path) as house:
        yield house


@pytest.mark.parametrize("path", ["/", "/assets", "/assets/019a9d3c-5c00", "/audit?action=undone"])
async def test_every_page_of_the_console_is_the_one_page(built: House, path: str) -> None:
    answer = await built.client.get(path)
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert SCRIPT in await answer.text()
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_page_runs_no_scripts_but_its_own(built: House) -> None:
    policy = (await built.client.get("/")).headers["Content-Security-Policy"]
    told = dict(part.split(" ", 1) for part in policy.split("; "))
    assert told["default-src"] == "'none'"
    assert told["script-src"] == "'self'"
    assert told["connect-src"] == "'self'"
    assert told["frame-ancestors"] == "'none'"


async def test_media_may_come_from_the_public_address_of_the_store(tmp_path: Path) -> None:
    bundle = tmp_path / "dist"
    bundle.mkdir()
    (bundle / "index.html").write_text("<!doctype html>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_CONSOLE_DIR", str(bundle))
        async with open_house(tmp_path, s3_public_endpoint="https://media.example.com/x") as house:
            policy = (await house.client.get("/")).headers["Content-Security-Policy"]
    assert "media-src 'self' https://media.example.com;" in policy
    assert "script-src 'self';" in policy


async def test_a_hashed_file_is_kept_for_ever_and_comes_compressed(built: House) -> None:
    answer = await built.client.get(SCRIPT, headers={"Accept-Encoding": "gzip"})
    assert await answer.read() == CODE
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) < len(CODE)
    assert answer.content_type == "text/javascript"
    assert "immutable" in answer.headers["Cache-Control"]


async def test_who_takes_no_compression_gets_none(built: House) -> None:
    answer = await built.client.get(SCRIPT, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == CODE


async def test_the_page_is_sent_again_only_if_it_changed(built: House) -> None:
    tag = (await built.client.get("/")).headers["ETag"]
    assert (await built.client.get("/", headers={"If-None-Match": tag})).status == 304


@pytest.mark.parametrize(
    "path",
    [
        *("/nowhere", "/api", "/api/admin/nothing", "/ws/x", "/docs/x", "/assetsx", "/index.html"),
        *("/static/none.js", "/static/secret.txt", "/static/..%2findex.html", "/static/%00.js"),
    ],
)
async def test_the_page_is_nobody_elses_answer(built: House, path: str) -> None:
    answer = await built.client.get(path, headers={"Accept": "text/html"} | built.bearer())
    assert answer.status == 404
    assert answer.content_type == "application/problem+json"


async def test_the_favicon_is_there(built: House) -> None:
    answer = await built.client.get("/favicon.svg")
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")


async def test_without_a_bundle_the_page_says_so_and_the_api_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_CONSOLE_DIR", str(tmp_path / "none"))
    async with open_house(tmp_path) as bare:
        answer = await bare.client.get("/")
        text = await answer.text()
        assert (answer.status, answer.content_type) == (503, "text/html")
        assert "services/console/dist" in text
        assert "make console" in text
        assert (await bare.client.get("/openapi.json")).status == 200


def test_every_page_that_the_console_has_is_served() -> None:
    pages = re.findall(r'path: "/([\w-]+)', ROUTER.read_text())
    assert pages
    assert set(pages) <= set(SECTIONS)


def test_the_console_has_german_words_for_every_problem() -> None:
    responses = [
        response
        for methods in whole()["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
    ]
    told = [response.get("content", {}).get(CONTENT_TYPE, {}) for response in responses]
    codes = {code for content in told for code in content.get("examples", {})}
    assert "undo_window_expired" in codes
    known = re.findall(r"^  (\w+): \{$", (WORDS / "de" / "codes.ts").read_text(), re.MULTILINE)
    assert codes - set(known) == set()
