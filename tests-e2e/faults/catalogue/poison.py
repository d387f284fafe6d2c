"""What cannot be handled, among what can."""

from __future__ import annotations

import asyncio
from functools import partial

import aio_pika

from faults import ledger
from faults.boxes import broken
from faults.fault import Fault, Scene
from faults.uploads import unique
from harness.client import Json
from harness.waiting import eventually
from shared.testing.brokers import connected

QUEUES = ("notifier.store", "audit.trail", "assignment.facts", "converter.facts")

_PATIENCE = 120.0

_REFUSE = """
create or replace function faults.refuse() returns trigger language plpgsql as $$
begin
    if new.action = 'user_created' then raise exception 'not while this stands'; end if;
    return new;
end $$
"""


async def poison(scene: Scene) -> None:
    """Messages that are none, some that fail until a fault is mended, films that cannot be made.

    Survived by: a batch that fails is taken fact by fact; tries that are counted, ever later; the
    parked queue; and a replay with the message's own id.
    """
    await _send_nonsense(scene)
    films = [await _upload_rubbish(scene) for _ in range(2)]
    await _fail_until_mended(scene)
    for film in films:
        await scene.load.ended(film, within=_PATIENCE)
    async with ledger.opened(scene.site) as books:
        jobs = await books.rows(
            "select status, retry_count from converter.queue_jobs where asset_id::text = any($1)",
            films,
        )
    for job in jobs:
        scene.expect(tuple(job) == ("failed", 3), f"I3: a film that is none: {dict(job)}")


async def _send_nonsense(scene: Scene) -> None:
    async with connected(scene.site.broker.url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            nonsense = aio_pika.Message(b"no JSON", headers={"ce-tenantid": "default"})
            await channel.default_exchange.publish(nonsense, routing_key=queue)
            scene.poison += 1


async def _upload_rubbish(scene: Scene) -> str:
    """A film that is accepted, and that ffmpeg fails at each time."""
    film = unique(broken(scene.load.uploader.film), scene.random)
    call = await scene.load.caller("rubbish", scene.random).call(
        "hostile",
        "/api/admin/assets?filename=rubbish.mp4",
        about={"what": "rubbish"},
        data=film,
        headers={"Content-Type": "video/mp4"},
    )
    ident = str(call.answer["id"])
    scene.load.uploader.open.append(ident)
    return ident


async def _fail_until_mended(scene: Scene) -> None:
    """The trail cannot take in one entry; once it can, the parked message is replayed, once."""
    caller, client = scene.load.caller("unlucky", scene.random), scene.load.client
    email = f"{scene.random.getrandbits(64):x}@example.com"
    body = {"email": email, "name": "unlucky"}
    async with ledger.opened(scene.site) as books:
        await books.force(
            _REFUSE,
            "create trigger faults_refuse before insert on audit.assignment_history"
            " for each row execute function faults.refuse()",
        )
        try:
            await caller.call("create", "/api/admin/users", body, about={"email": email})
            await eventually(partial(_parked, scene, 2), within=_PATIENCE)
        finally:
            await books.force("drop trigger faults_refuse on audit.assignment_history")
    await asyncio.sleep(2)  # until what failed at the last moment is parked
    for item in await _of_trail(scene):
        if item["error_class"] != "MalformedMessage":
            await client.post(f"/api/admin/parked/{item['id']}/replay", expect=202)


async def _parked(scene: Scene, least: int) -> None:
    items = await _of_trail(scene)
    assert len(items) >= least, items


async def _of_trail(scene: Scene) -> list[Json]:
    """What is parked beside the trail's queue."""
    page = await scene.load.client.get("/api/admin/parked", queue="audit.trail")
    return list(page["items"])


FAULTS = [Fault("F18", "poison among messages and films", poison)]
