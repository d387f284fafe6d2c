"""A client as an admin front end would write it: REST, and the WebSocket beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

Json = dict[str, Any]


class Refused(AssertionError):
    """An answer that is not the one the caller counted on."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


@dataclass
class Client:
    """Talks to the gateway as one signed-in person."""

    url: str
    session: aiohttp.ClientSession
    token: str | None = None
    sockets: str | None = None
    """Where WebSockets lead, if not to the gateway."""

    def headers(self) -> dict[str, str]:
        """The bearer token, once there is one."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def call(self, method: str, path: str, *, expect: int, **kwargs: Any) -> Json:
        """Make a call and return its JSON. Raises Refused for any other status."""
        headers = {**self.headers(), **kwargs.pop("headers", {})}
        async with self.session.request(
            method, self.url + path, headers=headers, **kwargs
        ) as answer:
            text = await answer.text()
            body = json.loads(text) if text else {}
            if answer.status != expect:
                raise Refused(answer.status, body)
            return dict(body)

    async def get(self, path: str, *, expect: int = 200, **params: Any) -> Json:
        """GET with query parameters."""
        return await self.call("GET", path, expect=expect, params=params)

    async def post(self, path: str, body: Any = None, *, expect: int) -> Json:
        """POST a JSON body, or none."""
        return await self.call("POST", path, expect=expect, json=body)

    async def log_in(self, email: str, password: str) -> Json:
        """Sign in and keep the token."""
        answer = await self.post(
            "/api/auth/login", {"email": email, "password": password}, expect=200
        )
        self.token = answer["access_token"]
        return answer

    async def create_user(self, email: str, **more: Any) -> Json:
        """Create a user and return it."""
        return await self.post(
            "/api/admin/users",
            {"email": email, "name": email.partition("@")[0], **more},
            expect=201,
        )

    async def upload(self, clip: Path, **fields: str) -> Json:
        """Upload a file as a browser's form does."""
        form = aiohttp.FormData(fields)
        with clip.open("rb") as file:
            form.add_field("file", file, filename=clip.name, content_type="video/mp4")
            return await self.call("POST", "/api/admin/assets", expect=201, data=form)

    async def asset(self, ident: str) -> Json:
        """One asset."""
        return await self.get(f"/api/admin/assets/{ident}")

    async def completed(self, ident: str, *, within: float = 120) -> Json:
        """Wait until an asset is converted, by asking; fail at once if it failed."""
        async with asyncio.timeout(within):
            while True:
                asset = await self.asset(ident)
                if asset["conversion_status"] == "completed":
                    return asset
                assert asset["conversion_status"] != "failed", asset
                await asyncio.sleep(0.2)

    async def fetch(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        """Download from the gateway without a token, as a video element does."""
        async with self.session.get(
            self.url + path, headers=headers, allow_redirects=True
        ) as answer:
            return answer.status, await answer.read(), answer.headers

    @asynccontextmanager
    async def socket(self, *topics: str, **subscription: Any) -> AsyncIterator[Socket]:
        """Open a WebSocket, wait for its hello, and subscribe."""
        where = f"{self.sockets or self.url}/ws"
        async with self.session.ws_connect(where, headers=self.headers()) as ws:
            socket = Socket(ws)
            socket.hello = await socket.next(lambda frame: frame["type"] == "hello")
            await ws.send_json({"action": "subscribe", "topics": list(topics), **subscription})
            socket.subscribed = await socket.next(lambda frame: frame["type"] == "subscribed")
            yield socket


@dataclass
class Socket:
    """A subscribed WebSocket that keeps every frame it has seen."""

    ws: aiohttp.ClientWebSocketResponse
    seen: list[Json] = field(default_factory=list)
    hello: Json = field(default_factory=dict)
    subscribed: Json = field(default_factory=dict)

    async def next(self, wanted: Callable[[Json], bool], *, within: float = 120) -> Json:
        """Read on until a frame is the wanted one."""
        async with asyncio.timeout(within):
            while True:
                frame: Json = await self.ws.receive_json()
                self.seen.append(frame)
                if wanted(frame):
                    return frame

    async def event(self, kind: str, *, within: float = 120, **data: Any) -> Json:
        """The next event of a type whose data has these values."""
        return await self.next(
            lambda frame: frame["type"] == kind and data.items() <= frame.get("data", {}).items(),
            within=within,
        )

    async def ended(self, *, within: float) -> int | None:
        """The code that the server closes it with, in time."""
        async with asyncio.timeout(within):
            while not self.ws.closed:
                await self.ws.receive()
        return self.ws.close_code

    def events(self, kind: str) -> list[Json]:
        """What was seen of a type so far, as data."""
        return [frame["data"] for frame in self.seen if frame["type"] == kind]
