"""Bad input gets a clear answer, and leaves no row, file or process behind."""

from __future__ import annotations

import asyncio
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from harness.client import Client, Json, Refused
from harness.clips import make_audio_only, make_clip
from harness.launch import children_of
from harness.product import Product
from harness.waiting import eventually

LIMIT = 500 * 1024 * 1024

NOBODY = "0192e4a0-0000-7000-8000-000000000001"


@dataclass(frozen=True)
class _State:
    """What bad input must not add to."""

    assets: frozenset[str]
    files: frozenset[Path]
    processes: frozenset[int]

    @classmethod
    async def of(cls, product: Product) -> _State:
        assets = await product.client.get("/api/admin/assets", limit=500)
        return cls(
            frozenset(asset["id"] for asset in assets["items"]),
            frozenset(
                path
                for place in ("blobs", "work")
                for path in (product.data_dir / place).rglob("*")
                if path.is_file()
            ),
            frozenset(pid for pid in children_of(os.getpid()) if b"postgres" not in _command(pid)),
        )


@pytest.fixture
async def untouched(product: Product) -> AsyncIterator[Product]:
    """The product at rest; a test may leave it no asset, file or process more, and no asset less.

    Files of earlier tests may go away meanwhile: the product removes what nobody needs.
    """

    async def at_rest() -> None:
        conversions = (await product.client.get("/api/admin/system"))["conversions"]
        assert (conversions["running"], conversions["waiting"]) == (0, 0)

    async def as_before() -> None:
        after = await _State.of(product)
        assert after.assets == before.assets
        assert after.files - before.files == set()
        assert after.processes - before.processes == set()

    await eventually(at_rest, within=60)
    before = await _State.of(product)
    yield product
    await eventually(as_before, within=5)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() or b"postgres"
    except OSError:
        return b"postgres"


async def _refused(client: Client, path: Path) -> tuple[int, Json]:
    with pytest.raises(Refused) as refusal:
        await client.upload(path)
    return refusal.value.status, refusal.value.body


async def test_a_text_file_named_mp4_is_no_video(untouched: Product, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("Dear diary, today I was not a video.\n" * 100)

    status, problem = await _refused(untouched.client, path)

    assert (status, problem["code"]) == (415, "not_iso_media")


async def test_an_mp4_without_video_is_refused(untouched: Product, tmp_path: Path) -> None:
    status, problem = await _refused(untouched.client, make_audio_only(tmp_path / "song.mp4"))

    assert (status, problem["code"]) == (415, "no_video")


@pytest.mark.parametrize("kept", [0.3, 0.9])
async def test_a_truncated_mp4_is_refused(
    untouched: Product, tmp_path: Path, clip: Path, kept: float
) -> None:
    path = tmp_path / "cut.mp4"
    whole = clip.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    status, problem = await _refused(untouched.client, path)

    assert (status, problem["code"]) == (415, "truncated")


async def test_an_empty_file_is_refused(untouched: Product, tmp_path: Path) -> None:
    path = tmp_path / "nothing.mp4"
    path.touch()

    status, problem = await _refused(untouched.client, path)

    assert (status, problem["code"]) == (400, "empty_upload")


async def test_an_empty_body_is_refused(untouched: Product) -> None:
    problem = await untouched.client.call(
        "POST",
        "/api/admin/assets?filename=nothing.mp4",
        expect=400,
        headers={"Content-Type": "video/mp4"},
        data=b"",
    )

    assert problem["code"] == "empty_upload"


async def test_501_mib_are_too_large_however_they_come(untouched: Product, clip: Path) -> None:
    beginning = clip.read_bytes()

    async def stream() -> AsyncIterator[bytes]:
        yield beginning
        for _ in range(501):
            yield bytes(1024 * 1024)

    problem = await untouched.client.call(
        "POST",
        "/api/admin/assets?filename=huge.mp4",
        expect=413,
        headers={"Content-Type": "video/mp4"},
        data=stream(),
    )

    assert problem["code"] == "too_large"


async def test_a_declared_501_mib_are_refused_before_they_are_read(untouched: Product) -> None:
    never = asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        yield bytes(1024)
        await never.wait()

    async with asyncio.timeout(10):
        problem = await untouched.client.call(
            "POST",
            "/api/admin/assets?filename=huge.mp4",
            expect=413,
            headers={"Content-Type": "video/mp4", "Content-Length": str(LIMIT + 1)},
            data=stream(),
        )

    assert problem["code"] == "too_large"


async def test_declared_500_mib_are_asked_for(untouched: Product) -> None:
    asked = asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        asked.set()
        raise ConnectionAbortedError
        yield b""

    with pytest.raises((aiohttp.ClientError, ConnectionAbortedError)):
        await untouched.client.call(
            "POST",
            "/api/admin/assets?filename=large.mp4",
            expect=201,
            headers={
                "Content-Type": "video/mp4",
                "Content-Length": str(LIMIT),
                "Expect": "100-continue",
            },
            data=stream(),
        )

    assert asked.is_set(), "the client was told to send it"


async def test_an_upload_that_breaks_off_is_forgotten(untouched: Product, clip: Path) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield clip.read_bytes()[:10_000]
        raise ConnectionAbortedError

    with pytest.raises((aiohttp.ClientError, ConnectionAbortedError)):
        await untouched.client.call(
            "POST",
            "/api/admin/assets?filename=half.mp4",
            expect=201,
            headers={"Content-Type": "video/mp4"},
            data=stream(),
        )


@pytest.mark.parametrize(
    ("token", "code"),
    [(None, "unauthenticated"), ("nonsense", "invalid_token"), ("a.b.c", "invalid_token")],
)
async def test_a_wrong_token_is_refused(untouched: Product, token: str | None, code: str) -> None:
    stranger = Client(untouched.client.url, untouched.client.session, token)

    problem = await stranger.get("/api/admin/assets", expect=401)

    assert problem["code"] == code


async def test_a_token_that_someone_altered_is_refused(untouched: Product) -> None:
    assert untouched.client.token is not None
    header, claims, signature = untouched.client.token.split(".")
    elevated = urlsafe_b64encode(b'{"sub":"me","role":"admin","tenant":"default"}').decode()

    for token in (f"{header}.{elevated.rstrip('=')}.{signature}", f"{header}.{claims}."):
        stranger = Client(untouched.client.url, untouched.client.session, token)
        problem = await stranger.get("/api/admin/assets", expect=401)
        assert problem["code"] == "invalid_token"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/admin/assets/not-a-uuid", None),
        ("POST", "/api/admin/assets/not-a-uuid/assign", {"user_id": NOBODY}),
        ("POST", f"/api/admin/assets/{NOBODY}/assign", {"user_id": "not-a-uuid"}),
        ("POST", f"/api/admin/assets/{NOBODY}/assign", None),
        ("POST", "/api/admin/assets/1/undo-assign", None),
        ("GET", "/api/admin/users/1/assignment-history", None),
        ("GET", "/api/admin/assets?limit=0", None),
        ("GET", "/api/admin/assets?limit=501", None),
    ],
)
async def test_malformed_input_is_refused(
    untouched: Product, method: str, path: str, body: Json | None
) -> None:
    problem = await untouched.client.call(method, path, expect=400, json=body)

    assert problem["errors"]


async def test_unknown_ids_are_not_found(untouched: Product) -> None:
    client, nobody = untouched.client, str(uuid4())
    young = str(untouched.new_id())

    for ident in (nobody, young):
        await client.get(f"/api/admin/assets/{ident}", expect=404)
        await client.post(f"/api/admin/assets/{ident}/assign", {"user_id": nobody}, expect=404)
        await client.post(f"/api/admin/assets/{ident}/undo-assign", expect=404)
        await client.get(f"/api/admin/users/{ident}/assignment-history", expect=404)


async def test_an_asset_in_the_making_cannot_be_assigned(product: Product, tmp_path: Path) -> None:
    user = await product.client.create_user(f"early-{uuid4().hex}@example.com")
    asset = await product.client.upload(
        make_clip(tmp_path / "slow.mp4", seconds=8, size="1280x720")
    )

    problem = await product.client.post(
        f"/api/admin/assets/{asset['id']}/assign", {"user_id": user["id"]}, expect=400
    )

    assert problem["code"] == "asset_not_completed"
    await product.client.completed(asset["id"])


async def test_what_was_made_a_moment_ago_can_be_used_at_once(product: Product, clip: Path) -> None:
    client = product.client
    asset = await client.upload(clip)
    await client.completed(asset["id"])

    user = await client.create_user(f"new-{uuid4().hex}@example.com")
    assignment = await client.post(
        f"/api/admin/assets/{asset['id']}/assign", {"user_id": user["id"]}, expect=201
    )

    assert assignment["user_id"] == user["id"]
    assert (await client.get(f"/api/admin/assets/{asset['id']}"))["user_id"] == user["id"]


async def test_an_unknown_user_is_not_found(product: Product, clip: Path) -> None:
    asset = await product.client.upload(clip)
    await product.client.completed(asset["id"])

    problem = await product.client.post(
        f"/api/admin/assets/{asset['id']}/assign", {"user_id": str(uuid4())}, expect=404
    )

    assert problem["code"] == "user_not_found"


async def test_a_forged_media_url_opens_nothing(product: Product, clip: Path) -> None:
    asset = await product.client.upload(clip)
    url = (await product.client.completed(asset["id"]))["thumbnail_url"]
    other = str(uuid4())

    for forged in (
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.replace(asset["id"], other),
        url.replace("expires=", "expires=1"),
        url.partition("?")[0],
        url + "x",
    ):
        status, _, _ = await product.client.fetch(forged)
        assert status == 403, forged
