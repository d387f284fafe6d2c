"""An export holds what the trail holds, and shows by itself that it does."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.audit import cli, http
from services.audit.domain import checkpoint
from services.audit.export import Export, _cell
from services.audit.offline import BadLine, verify_file
from services.audit.queries import Search
from services.audit.tests.conftest import KEY, Trail, World
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

PUBLIC = checkpoint.public_key(KEY)
KIM = new_id()

PATH = "/api/admin/audit/export"

ToFile = Callable[..., Awaitable[Path]]


@pytest.fixture
async def client(trail: Trail) -> AsyncIterator[TestClient]:
    """Whoever asks the service."""
    signer = MediaSigner(b"media", lambda: 0.0)
    routes = http.routes.given(trail.parts(signer))
    server = TestServer(application("audit", [routes], seal=SEAL))
    async with TestClient(server) as asking:
        yield asking


@pytest.fixture
def export(client: TestClient, tmp_path: Path) -> ToFile:
    """Export the trail into a file."""

    async def ask(**query: Any) -> Path:
        asked = {name: str(value) for name, value in query.items()}
        async with client.get(PATH, params=asked, headers=signed()) as answer:
            assert answer.status == 200, await answer.text()
            file = tmp_path / answer.headers["Content-Disposition"].split('"')[1]
            file.write_bytes(await answer.read())
        return file

    return ask


def lines(file: Path) -> list[dict[str, Any]]:
    """What is on each line."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    """Write lines back."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


async def test_all_entries_are_a_chain_that_ends_in_a_checkpoint(
    export: ToFile, trail: Trail, world: World
) -> None:
    await trail.grow(world, 600)
    file = await export()
    *entries, last = lines(file)
    assert file.name == "audit-default-600.jsonl"
    assert [entry["seq"] for entry in entries] == list(range(1, 601))
    assert [entry["prev_hash"] for entry in entries[1:]] == [each["hash"] for each in entries[:-1]]
    assert "proof" not in entries[0]
    assert checkpoint.read(last["checkpoint"], "default", KEY.public_key()).size == 600
    verified = verify_file(file, KEY.public_key())
    assert (verified.entries, verified.complete) == (600, True)


async def test_a_selection_has_a_proof_for_each_entry(
    export: ToFile, trail: Trail, world: World
) -> None:
    await trail.grow(world, 300)
    await trail.hear(*(world.assigned(KIM, new_id()) for _ in range(3)))
    await trail.grow(world, 300)
    await trail.hear(world.assigned(KIM, new_id()))
    file = await export(user_id=KIM)
    *entries, _ = lines(file)
    assert [entry["seq"] for entry in entries] == [301, 302, 303, 604]
    verified = verify_file(file, KEY.public_key())
    assert (verified.entries, verified.complete) == (4, False)
    swapped = [{**entries[0], "proof": entries[1]["proof"]}, *entries[1:], lines(file)[-1]]
    with pytest.raises(BadLine, match="line 1: entry 301 is not among those that were signed"):
        verify_file(write(file, swapped), KEY.public_key())


@pytest.mark.parametrize("search", [Search(), Search(action="assigned")])
async def test_a_reader_who_dawdles_holds_nothing_but_his_place(
    trail: Trail, world: World, search: Search
) -> None:
    await trail.grow(world, 900)
    note = await trail.notary.checkpoint("default")
    signed = await trail.notary.latest("default")
    reading = Export(trail.database, trail.shelf, Context("default"), search, signed).jsonl(note)
    page = await anext(reading)
    assert len(page.splitlines()) < 300
    pool = trail.database.pool
    assert pool.get_idle_size() == pool.get_size()
    await trail.grow(world, 10)
    rest = b"".join([each async for each in reading])
    assert len((page + rest).splitlines()) == 901


async def test_asking_for_the_head_alone_reads_no_entries(trail: Trail, client: TestClient) -> None:
    answer = await client.head(PATH, headers=signed())
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/jsonl; charset=utf-8"


@pytest.mark.parametrize(
    "query",
    [{}, {"action": "reverted"}, {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}],
)
async def test_nothing_can_be_exported_and_verified(export: ToFile, query: dict[str, str]) -> None:
    file = await export(**query)
    assert len(lines(file)) == 1
    assert verify_file(file, KEY.public_key()).entries == 0


async def test_an_export_of_a_forged_trail_names_the_forged_line(
    export: ToFile, trail: Trail, world: World
) -> None:
    await trail.grow(world, 10)
    await trail.notary.checkpoint("default")
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 7")
    await trail.tamper("delete from audit.history_seals where seq = 9")
    with pytest.raises(BadLine, match="line 7: entry 7 was changed"):
        verify_file(await export(), KEY.public_key())
    with pytest.raises(BadLine, match="line 1: entry 1 has no proof"):
        verify_file(await export(action="assigned"), KEY.public_key())


async def test_a_trail_that_was_never_sound_cannot_be_exported(
    export: ToFile, trail: Trail, world: World
) -> None:
    await trail.grow(world, 3)
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 2")
    with pytest.raises(AssertionError, match="trail_broken"):
        await export()


def _edit(rows: list[Any]) -> None:
    rows[3]["reason"] = "it was agreed"


def _drop(rows: list[Any]) -> None:
    del rows[3]


def _swap(rows: list[Any]) -> None:
    rows[3], rows[5] = rows[5], rows[3]


def _repeat(rows: list[Any]) -> None:
    rows.insert(3, rows[2])


def _behead(rows: list[Any]) -> None:
    del rows[0]


def _cut(rows: list[Any]) -> None:
    del rows[8:-1]


def _no_checkpoint(rows: list[Any]) -> None:
    rows.pop()


def _forge_checkpoint(rows: list[Any]) -> None:
    rows[-1]["checkpoint"] = rows[-1]["checkpoint"].replace("\n10\n", "\n11\n")


def _garbage(rows: list[Any]) -> None:
    rows[3] = ["no", "entry"]


def _unhashed(rows: list[Any]) -> None:
    del rows[3]["hash"]


@pytest.mark.parametrize(
    ("forge", "line"),
    [
        (_edit, 4),
        (_drop, 4),
        (_swap, 4),
        (_repeat, 4),
        (_behead, 1),
        (_cut, 9),
        (_no_checkpoint, 10),
        (_forge_checkpoint, 11),
        (_garbage, 4),
        (_unhashed, 4),
    ],
)
async def test_the_first_bad_line_of_a_file_is_named(
    export: ToFile,
    trail: Trail,
    world: World,
    forge: Callable[[list[Any]], None],
    line: int,
) -> None:
    await trail.grow(world, 10)
    file = await export()
    assert cli.verify(file, PUBLIC) == 0
    rows = lines(file)
    forge(rows)
    with pytest.raises(BadLine) as bad:
        verify_file(write(file, rows), KEY.public_key())
    assert bad.value.number == line
    assert cli.verify(file, PUBLIC) == 1


@pytest.mark.parametrize(
    ("written", "sound"),
    [
        ('"seq":4.0,', True),  # the same number, says RFC 8785
        ('"reason":"agreed","seq":4,', False),  # readers might take the first
        ('"seq":4,"count":1e400,', False),
        ('"seq":18446744073709551616,', False),
        ('"seq":4,"note":"\\ud800",', False),
    ],
)
async def test_what_is_written_in_another_way_is_read_with_all_exactness(
    export: ToFile, trail: Trail, world: World, written: str, sound: bool
) -> None:
    await trail.grow(world, 6)
    file = await export()
    text = file.read_text()
    assert text.count('"seq":4,') == 1
    file.write_text(text.replace('"seq":4,', written))
    if sound:
        assert verify_file(file, KEY.public_key()).entries == 6
    else:
        with pytest.raises(BadLine, match="line 4"):
            verify_file(file, KEY.public_key())


async def test_another_key_verifies_nothing(export: ToFile, trail: Trail, world: World) -> None:
    await trail.grow(world, 2)
    file = await export()
    assert cli.verify(file, base64.b64encode(bytes(range(32))).decode()) == 1
    assert cli.verify(file, "no key") == 2
    assert cli.verify(file.with_name("nothing"), PUBLIC) == 2
    key_file = file.with_name("key")
    for text, code in (
        (PUBLIC + "\n", 0),
        (json.dumps({"algorithm": "Ed25519", "public_key": PUBLIC}), 0),
        (json.dumps({"error": "no such page"}), 2),
        ("{", 2),
        ("no key", 2),
        ("kein Schlüssel", 2),
    ):
        key_file.write_text(text)
        assert cli.verify(file, str(key_file)) == code


async def test_csv_has_a_row_for_each_entry(export: ToFile, trail: Trail, world: World) -> None:
    await trail.grow(world, 260)
    file = await export(format="csv")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["seq"] for row in rows] == [str(seq) for seq in range(1, 261)]
    assert rows[0]["action"] == "assigned"
    assert rows[1]["prev_hash"] == rows[0]["hash"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert _cell(text) == f"'{text}"
    assert _cell(f"x{text}") == f"x{text}"


async def test_the_command_verifies_a_file_and_names_what_else_it_can_do(
    export: ToFile, trail: Trail, world: World
) -> None:
    await trail.grow(world, 3)
    file = await export()
    done = _run("audit", "verify", str(file), "--key", PUBLIC)
    assert (done.returncode, "all 3 entries" in done.stdout) == (0, True)
    assert _run("audit", "verify", str(file)).returncode == 2
    shown = _run("--help").stdout
    assert all(word in shown for word in ("start", "audit", "notifier"))


@pytest.mark.parametrize("arguments", [("audit",), ("start", "audit"), ("audit", "notifier")])
def test_the_name_of_a_service_still_starts_it(arguments: tuple[str, ...]) -> None:
    started = _run(*arguments)
    assert (started.returncode, "MARQUEE_AMQP_URL: required" in started.stderr) == (1, True)


def test_a_name_that_is_neither_service_nor_verb_is_refused() -> None:
    for arguments in (("audits",), ("audit", "verifi")):
        refused = _run(*arguments)
        assert (refused.returncode, "no such service" in refused.stderr) == (2, True)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services", *arguments]
    given = {name: text for name, text in os.environ.items() if not name.startswith("MARQUEE_")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=given
    )
