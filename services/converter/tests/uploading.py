"""A client of tus that does as it is told, right or wrong, and replicas for it to talk to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import BaseRunner

from services.converter.incoming import Broom
from services.converter.intake import Intake
from services.converter.probing.prober import Prober
from services.converter.resumable.http import COLLECTION, routes
from services.converter.resumable.sweeping import PartsBroom
from services.converter.resumable.uploads import Uploads
from services.converter.scratch import Scratch
from services.converter.tests.studio import ADMIN, Studio
from shared.blobs.port import Blobs
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

SPEAKS = {"Tus-Resumable": "1.0.0"}
STREAM = {"Content-Type": "application/offset+octet-stream"}


def checksum(content: bytes, algorithm: str = "sha256") -> dict[str, str]:
    """The header that guards these bytes."""
    digest = hashlib.new(algorithm, content).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def metadata(**told: str) -> dict[str, str]:
    """The header that tells of a file."""
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    return {"Upload-Metadata": ",".join(pairs)}


class Server(TestServer):
    """As in the product, a handler is not cancelled when its client goes away."""

    async def _make_runner(self, **kwargs: Any) -> BaseRunner:
        return await super()._make_runner(**{**kwargs, "handler_cancellation": False})


class Sender:
    """An administrator's tus client at one replica."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    async def send(
        self, method: str, path: str, content: Any = None, **headers: Any
    ) -> ClientResponse:
        """Any request; a header given as None is left out."""
        told = {**SPEAKS, **{name.replace("_", "-"): each for name, each in headers.items()}}
        wanted = {name: str(each) for name, each in told.items() if each is not None}
        answer = await self.client.request(method, path, data=content, headers=wanted)
        await answer.read()
        return answer

    async def begin(
        self, length: int, content: bytes | None = None, told: Mapping[str, str] | None = None
    ) -> str:
        """Announce an upload; return its path."""
        more = STREAM if content is not None else {}
        answer = await self.send(
            "POST", COLLECTION, content, **{"Upload-Length": length, **more, **(told or {})}
        )
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]

    async def patch(self, path: str, offset: int, content: Any, **headers: Any) -> ClientResponse:
        """Send more."""
        return await self.send(
            "PATCH", path, content, **{**STREAM, "Upload-Offset": offset, **headers}
        )

    async def offset(self, path: str) -> int:
        """Where to go on."""
        answer = await self.send("HEAD", path)
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])

    @asynccontextmanager
    async def breaking_off(
        self, path: str, offset: int, content: bytes, promised: int
    ) -> AsyncIterator[None]:
        """Send less than was promised, and go away at the end of the block."""
        host, port = self.client.host, self.client.port
        _, writer = await asyncio.open_connection(host, port)
        headers = {
            **SPEAKS,
            **STREAM,
            **dict(self.client.session.headers),
            "Host": f"{host}:{port}",
            "Upload-Offset": str(offset),
            "Content-Length": str(promised),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"PATCH {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        await writer.drain()
        yield
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def replica(
    studio: Studio,
    home: Path,
    *,
    limit: int = 2**20,
    piece: int = 4096,
    most: int = 1000,
    blobs: Blobs | None = None,
    **caller: Any,
) -> AsyncIterator[Sender]:
    """One more process that takes uploads, with scratch space of its own, and a client of it."""
    scratch = Scratch(home / new_id().hex)
    await scratch.open()
    store = blobs or studio.blobs
    intake = Intake(
        database=studio.database,
        blobs=store,
        scratch=scratch,
        sandbox=studio.sandbox,
        prober=Prober(studio.sandbox, budget=10),
        broom=Broom(studio.database, store),
        new_id=new_id,
        limit=limit,
    )
    uploads = Uploads(
        database=studio.database,
        blobs=store,
        scratch=scratch,
        intake=intake,
        broom=PartsBroom(studio.database, store),
        new_id=new_id,
        most=most,
        piece=piece,
    )
    server = Server(application("converter", [routes.given(uploads)], seal=SEAL))
    headers = signed(**{"actor": ADMIN, **caller})
    async with TestClient(server, headers=headers) as client:
        yield Sender(client)
    assert list(scratch.own.iterdir()) == [], "scratch is left behind"
    await scratch.close()


async def originals(studio: Studio) -> dict[str, bytes]:
    """What is stored; nothing but assets' originals may be."""
    found = {}
    for key in await studio.keys():
        async with studio.blobs.read(key) as download:
            found[key] = b"".join([chunk async for chunk in download.chunks])
    return found


async def code(answer: Any) -> tuple[int, str]:
    """How a refusal is told."""
    return answer.status, (await answer.json())["code"]


async def nothing_is_left(studio: Studio) -> None:
    """No row of an asset and no file may be there."""
    rows = await studio.databases.as_admin(
        "select id::text from converter.admin_media_assets"
        " union all select id::text from converter.queue_jobs"
        " union all select id::text from converter.outbox"
        " union all select object_key from converter.incoming"
        " union all select object_key from converter.upload_parts"
    )
    assert rows == []
    assert await studio.keys() == set()
