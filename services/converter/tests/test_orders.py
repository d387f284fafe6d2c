"""What an administrator orders: again, stop, delete; over HTTP, with a worker at it or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.converter import consumers
from services.converter.domain.probe import INPUT
from services.converter.domain.recipes import Command
from services.converter.domain.retry import Failure
from services.converter.ffmpeg import ConversionFailed
from services.converter.tests.asking import ASSETS, Client, serving
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import ADMIN, HERE, Studio, ticket
from shared.bus.port import Ack, Delivery
from shared.contracts.assignment import AssetWithdrawn
from shared.contracts.converter import (
    WITHDRAWN,
    AssetDeleted,
    AssetStatusChanged,
    TicketIssued,
)
from shared.contracts.envelope import seal
from shared.runtime.ids import new_id
from shared.testing.callers import signed

OURS = f"title={new_id()}"
"""Tells the program that this process runs from those of its neighbours."""
ENDLESS = Command(
    ("-nostdin", "-f", "lavfi", "-re", "-i", "testsrc2", "-metadata", OURS, "-f", "null", "-"),
    seconds=None,
)


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[Client]:
    async with serving(studio, limit=10**9) as client:
        yield client


async def order(client: Client, ident: UUID, verb: str) -> tuple[int, dict[str, Any]]:
    async with client.post(f"{ASSETS}/{ident}/{verb}-conversion") as answer:
        return answer.status, await answer.json()


async def delete(client: Client, ident: UUID) -> int:
    async with client.delete(f"{ASSETS}/{ident}", headers={WITHDRAWN: "0"}) as answer:
        return answer.status


async def refuse(_: Command) -> None:
    raise ConversionFailed(Failure("no_luck", "No luck.", permanent=True), "a log")


@pytest.fixture
async def failed(studio: Studio, clip: MakeClip) -> UUID:
    """An asset whose conversion has failed."""
    ident = await studio.upload(await clip("silent"))
    studio.ffmpeg.script.append(refuse)
    await studio.work()
    studio.ffmpeg.script.clear()
    return ident


async def test_a_failed_conversion_is_queued_anew(
    client: Client, studio: Studio, failed: UUID
) -> None:
    first = await studio.job(failed)

    status, asset = await order(client, failed, "retry")

    assert (status, asset["conversion_status"], asset["progress"]) == (202, "pending", 0)
    assert (asset["conversion_error"], asset["conversion_error_code"]) == (None, None)
    second = await studio.job(failed)
    assert second["id"] != first["id"]
    assert (second["status"], second["retry_count"]) == ("pending", 0)
    [*_, told] = await studio.told(AssetStatusChanged)
    assert (told.previous_status, told.status) == ("failed", "pending")
    assert await changed_by(studio, failed) == str(ADMIN)

    await studio.work()
    assert (await studio.asset(failed))["conversion_status"] == "completed"
    assert (await order(client, failed, "retry"))[0] == 409


async def changed_by(studio: Studio, ident: UUID) -> str:
    """Who made the latest change of status."""
    [*_, row] = await studio.databases.as_admin(
        "select changed_by from converter.conversion_status_history where asset_id = $1"
        " order by seq",
        ident,
    )
    who: str = row["changed_by"]
    return who


async def test_only_what_failed_is_retried_and_once(
    client: Client, studio: Studio, failed: UUID, clip: MakeClip
) -> None:
    waiting = await studio.upload(await clip("silent"))
    assert (await order(client, waiting, "retry"))[0] == 409

    answers = await asyncio.gather(*(order(client, failed, "retry") for _ in range(5)))

    assert sorted(status for status, _ in answers) == [202, 409, 409, 409, 409]
    assert {body["code"] for status, body in answers if status == 409} == {"illegal_transition"}


async def test_a_waiting_conversion_is_cancelled(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))

    status, asset = await order(client, ident, "cancel")

    assert status == 202
    assert (asset["conversion_status"], asset["conversion_error_code"]) == ("failed", "cancelled")
    job = await studio.job(ident)
    assert (job["status"], job["error_code"]) == ("failed", "cancelled")
    assert await studio.claim() is None
    assert await studio.history(ident) == [
        (None, "pending"),
        ("pending", "processing"),
        ("processing", "failed"),
    ]
    assert await changed_by(studio, ident) == str(ADMIN)
    assert (await order(client, ident, "cancel"))[0] == 409
    assert (await order(client, new_id(), "cancel"))[0] == 404
    assert (await order(client, ident, "retry"))[0] == 202


def endless() -> set[int]:
    """The processes of `ENDLESS` that run now."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if OURS.encode() in words:
            found.add(int(path.parent.name))
    return found


async def test_a_running_conversion_is_ended_within_two_seconds_and_cleaned_up(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("sound"))

    async def run_for_ever(command: Command) -> None:
        if "libsvtav1" in command.arguments:
            await studio.shown(ident, "poster_best")
            film = next(studio.scratch.own.glob(f"*/{INPUT}"))
            await super(type(studio.ffmpeg), studio.ffmpeg).run(ENDLESS, film.parent, seconds=60)

    studio.ffmpeg.script.append(run_for_ever)
    working = asyncio.create_task(studio.worker.handle([ticket()]))
    async with asyncio.timeout(30):
        while not endless():
            await asyncio.sleep(0.05)

    ordered = time.monotonic()
    status, asset = await order(client, ident, "cancel")
    assert (status, asset["conversion_status"]) == (202, "failed")
    assert await asyncio.wait_for(working, 10) == [Ack()]
    assert time.monotonic() - ordered < 2

    assert not endless()
    assert list(studio.scratch.own.iterdir()) == []
    shown = await studio.asset(ident)
    assert (shown["conversion_status"], shown["webm_url"]) == ("failed", None)
    published = {shown[f"{name}_url"] for name in ("thumbnail", "mp4", "gif", "poster_best")}
    assert await studio.keys() == published | {f"default/originals/{ident}"}
    assert (await studio.job(ident))["error_code"] == "cancelled"


async def test_what_was_stored_but_not_published_goes_with_the_job(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident = await studio.upload(await clip("silent"))
    stat = studio.blobs.stat

    async def cancelled_meanwhile(key: str) -> Any:
        monkeypatch.undo()
        assert (await order(client, ident, "cancel"))[0] == 202
        return await stat(key)

    monkeypatch.setattr(studio.blobs, "stat", cancelled_meanwhile)
    await studio.work()

    assert await studio.keys() == {f"default/originals/{ident}"}


async def test_a_deleted_asset_is_gone_but_for_those_who_ask(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    await studio.work()
    kept = await studio.keys()

    assert await delete(client, ident) == 204

    for path, status in (("", 404), ("?deleted=true", 200)):
        async with client.get(f"{ASSETS}/{ident}{path}") as answer:
            assert answer.status == status
    for deleted, count in (("false", 0), ("true", 1)):
        async with client.get(f"{ASSETS}?deleted={deleted}") as answer:
            assert len((await answer.json())["items"]) == count
    [told] = await studio.told(AssetDeleted)
    assert (told.asset_id, told.version) == (ident, (await studio.asset(ident))["version"])
    assert await studio.keys() == kept, "files are kept"
    assert await delete(client, ident) == 404
    for verb in ("retry", "cancel"):
        assert (await order(client, ident, verb))[0] == 404


async def test_deleting_cancels_a_conversion(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    waiting = await studio.upload(await clip("silent"))
    running = await studio.upload(await clip("silent"))
    job = await studio.claim()
    assert job

    assert [await delete(client, ident) for ident in (waiting, running)] == [204, 204]

    for ident in (waiting, running):
        asset = await studio.asset(ident)
        assert (asset["conversion_status"], asset["conversion_error_code"]) == (
            "failed",
            "cancelled",
        )
    assert await studio.claim() is None


async def test_an_asset_is_deleted_only_once_nobody_will_have_it(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    async with client.delete(f"{ASSETS}/{ident}") as answer:
        assert answer.status == 409
    assert (await studio.job(ident))["status"] == "pending", "and goes on"

    await hear(studio, AssetWithdrawn(asset_id=ident))
    assert (await studio.asset(ident))["deleted_at"] is not None
    await hear(studio, AssetWithdrawn(asset_id=ident))
    await hear(studio, AssetWithdrawn(asset_id=new_id()))
    assert len(await studio.told(AssetDeleted)) == 1


async def hear(studio: Studio, event: AssetWithdrawn) -> None:
    asset = await studio.databases.as_admin("select now()")
    message = seal(event, ident=new_id(), time=asset[0]["now"], context=HERE)
    outcome = await consumers.subscription(studio.database).handler([Delivery(message, 0)])
    assert outcome == [Ack()]


async def test_the_log_of_the_last_attempt_can_be_read(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    async with client.get(f"{ASSETS}/{ident}/conversion-log") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "log_not_found")
    await studio.work()
    async with client.get(f"{ASSETS}/{ident}/conversion-log") as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")
        assert (await answer.text()).count("$ ffmpeg") == 6
    async with client.get(f"{ASSETS}/{new_id()}/conversion-log") as answer:
        assert answer.status == 404


async def test_orders_are_for_administrators(client: Client, failed: UUID) -> None:
    for headers, status in ((signed(actor=ADMIN, role="user"), 403), ({"X-Actor": ""}, 401)):
        for method, path in (
            ("POST", f"{ASSETS}/{failed}/retry-conversion"),
            ("POST", f"{ASSETS}/{failed}/cancel-conversion"),
            ("DELETE", f"{ASSETS}/{failed}"),
            ("GET", f"{ASSETS}/{failed}/conversion-log"),
        ):
            async with client.request(method, path, headers=headers) as answer:
                assert answer.status == status
    assert (await order(client, "no-id", "retry"))[0] == 400  # type: ignore[arg-type]


async def test_a_ticket_goes_with_every_retry(client: Client, studio: Studio, failed: UUID) -> None:
    before = len(await studio.told(TicketIssued))
    await order(client, failed, "retry")
    assert len(await studio.told(TicketIssued)) == before + 1
