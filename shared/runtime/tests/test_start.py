"""The program itself, while a part is away: it lives, says so, and lets itself be stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp

from shared.testing.rabbit import free_ports

SECRETS = ("hunter2", "k" * 32)


async def test_a_wrong_address_is_told_and_asked_again(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    nowhere = "127.0.0.1:9"
    environment = os.environ | {
        "MARQUEE_DATABASE_URL": f"postgresql://nobody:hunter2@{nowhere}/none",
        "MARQUEE_AMQP_URL": f"amqp://nobody:hunter2@{nowhere}/",
        "MARQUEE_SECRET_KEY": "k" * 32,
        "MARQUEE_AUDIT_SIGNING_KEY": "k" * 32,
        "MARQUEE_DATA_DIR": str(tmp_path),
        "MARQUEE_SERVICE_PORT": str(port),
    }
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", "identity"),
            cwd=Path(__file__).parents[3],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            assert await _readiness(http) == (503, {"status": "starting", "down": ["database"]})
            while log.read_text().count("part_awaited") < 2:
                await asyncio.sleep(0.05)
        process.terminate()
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "Traceback" not in log.read_text()
    assert not [secret for secret in SECRETS if secret in log.read_text()]


async def _readiness(http: aiohttp.ClientSession) -> tuple[int, object]:
    while True:
        try:
            async with http.get("/readyz") as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.05)
