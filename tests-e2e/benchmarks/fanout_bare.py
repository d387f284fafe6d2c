"""The baseline of ``fanout_rate``: a naive loop over aiohttp's sockets, with bytes made before."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

from benchmarks.bare import serve
from benchmarks.pile import uploads
from shared.contracts.envelope import unseal


async def build() -> web.Application:
    """``/ws`` collects sockets, ``POST /burst?events=N`` writes so many events to all of them."""
    sockets: set[web.WebSocketResponse] = set()

    async def connect(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        await ws.send_json({"type": "hello"})
        await ws.receive()
        await ws.send_json({"type": "subscribed"})
        sockets.add(ws)
        async for _ in ws:
            pass
        return ws

    async def burst(request: web.Request) -> web.Response:
        for message in uploads(int(request.query["events"])):
            fact = unseal(message)
            told = {"offset": 1, "id": fact.id, "type": message.name, "time": fact.time}
            frame = orjson.dumps({**told, "data": orjson.loads(message.body)}).decode()
            for ws in sockets:
                await ws.send_str(frame)
            await asyncio.sleep(0)
        return web.Response()

    app = web.Application()
    app.router.add_get("/ws", connect)
    app.router.add_post("/burst", burst)
    return app


if __name__ == "__main__":
    serve(build)
