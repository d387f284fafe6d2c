"""The API keeps what its own document says, whatever it is sent.

Schemathesis makes requests out of ``/openapi.json``, good ones and bad ones, and chains of them
along the links between operations. ``MARQUEE_TEST_FUZZ_SECONDS`` gives it more time;
``MARQUEE_TEST_FUZZ_SEED`` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import sys
from pathlib import Path

import aiohttp

from harness.client import Client
from harness.launch import launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD

SECONDS = int(os.environ.get("MARQUEE_TEST_FUZZ_SECONDS", "30"))


async def test_every_answer_is_one_that_the_document_promises(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """On a product of its own: some of what is sent signs people out, or renames them."""
    environment = {
        **ADMINISTRATOR,
        "MARQUEE_PORT": "0",
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
        "MARQUEE_LOGIN_RATE": "100000/minute",
        "MARQUEE_LOGIN_ADDRESS_RATE": "100000/minute",
    }
    async with launched(log=tmp_path / "log", environment=environment) as process:
        client = Client(process.url, http)
        await client.log_in(EMAIL, PASSWORD)
        key = await client.post(
            "/api/admin/api-keys", {"name": "fuzz", "role": "admin"}, expect=201
        )
        await _send_everything(process.url, key["key"], tmp_path)


async def _send_everything(url: str, token: str, tmp_path: Path) -> None:
    seed = os.environ.get("MARQUEE_TEST_FUZZ_SEED", str(random.getrandbits(32)))
    command = [
        *(str(Path(sys.executable).with_name("st")), "run"),
        f"{url}/openapi.json",
        *("--header", f"Authorization: Bearer {token}"),
        # tus has statuses and a media type of its own; its clients prove it elsewhere.
        *("--exclude-path-regex", "^/api/admin/uploads"),
        # A refusal may depend on what is there, of which the document knows nothing.
        # An Idempotency-Key may bring back the answer about what was deleted since.
        *("--checks", "all", "--exclude-checks"),
        "positive_data_acceptance,ensure_resource_availability",
        *("--max-time", str(SECONDS), "--seed", seed, "--continue-on-failure"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS * 3 + 120)
    finally:
        if process.returncode is None:
            process.kill()

    told = said.decode()
    assert process.returncode == 0, f"seed {seed}\n{told[-8000:]}"
    counted = re.search(r"Selected: (\d+)/\d+\s+Tested: (\d+)", told)
    assert counted, told[-8000:]
    selected, tested = map(int, counted.groups())
    assert 60 <= selected == tested, "every operation was asked something"
