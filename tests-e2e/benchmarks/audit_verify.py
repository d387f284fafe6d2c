"""``audit_verify``: an export verified without the server, against a SHA-256 of the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from itertools import cycle
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import at_most, compared
from benchmarks.house import House
from benchmarks.load import Shot, fire
from harness.launch import ROOT

TARGETS = {"audit_verify": at_most(5, "s for 100,000 entries")}
ENTRIES = 100_000


async def measure(bench: Bench) -> None:
    """The trail of a house in which much has been assigned."""
    house = await bench.house()
    client = house.product.client
    entries = await _fill(house, bench.size(ENTRIES, ENTRIES // 50), bench.size(10_000, 1_000))
    file = bench.directory / "trail.jsonl"
    with file.open("wb") as target:
        url = f"{client.url}/api/admin/audit/export"
        async with client.session.get(url, headers=client.headers()) as answer:
            async for chunk in answer.content.iter_any():
                target.write(chunk)
    entries = sum(1 for _ in file.open("rb")) - 1
    key = (await client.get("/.well-known/audit-key"))["public_key"]

    async def ours() -> float:
        return await _verified(file, key) * ENTRIES / entries

    async def theirs() -> float:
        began = time.perf_counter()
        with file.open("rb") as content:
            hashlib.file_digest(content, "sha256")
        return (time.perf_counter() - began) * ENTRIES / entries

    pairs = await bench.pairs(ours, theirs)
    bench.report(compared("audit_verify", TARGETS, pairs, float, entries=entries))


async def _fill(house: House, wanted: int, people: int) -> int:
    """Assign in bulk until the trail is as long as it shall be."""
    users, assets = await house.users(people), cycle(await house.assets(2))
    client = house.product.client
    while (entries := (await client.get("/api/admin/audit/verify"))["entries"]) < wanted:
        body = {"asset_id": next(assets), "user_ids": users}
        await fire(house.plan([[Shot("bulk", "POST", "/api/admin/assets/bulk-assign", body)]]))
        await house.product.settled()
    return int(entries)


async def _verified(file: Path, key: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", "audit", "verify", str(file), "--key", key),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    if await process.wait():
        raise RuntimeError("the export could not be verified")
    return time.perf_counter() - began
