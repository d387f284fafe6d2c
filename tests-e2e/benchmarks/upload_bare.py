"""The baseline of ``upload_stream``: the body to a file, hashed and synced. Usage: ... SPOOL"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path

from aiohttp import web

from benchmarks.bare import serve

BATCH = 1024 * 1024


async def build() -> web.Application:
    """One handler that takes a body in a stream; writing and hashing go to a thread."""
    spool = Path(sys.argv[1])

    async def take(request: web.Request) -> web.Response:
        digest, batch = hashlib.sha256(), bytearray()
        with spool.open("wb") as file:  # noqa: ASYNC230 - a local file

            def write(content: bytes) -> None:
                file.write(content)
                digest.update(content)

            async for chunk in request.content.iter_any():
                batch += chunk
                if len(batch) >= BATCH:
                    await asyncio.to_thread(write, bytes(batch))
                    batch.clear()
            await asyncio.to_thread(write, bytes(batch))
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        return web.json_response({"sha256": digest.hexdigest()}, status=201)

    app = web.Application(client_max_size=0)
    app.router.add_post("/api/admin/assets", take)
    return app


if __name__ == "__main__":
    serve(build)
