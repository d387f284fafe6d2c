"""A restored backup is acknowledged by somebody, and told of for ever; all else is tampering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.audit import http
from services.audit.copies import Copies
from services.audit.notary import TrailBroken
from services.audit.tests.conftest import Trail, World
from shared.blobs.signing import MediaSigner
from shared.testing.callers import SEAL, signed
from shared.web.application import application

RESTORATIONS = "/api/admin/audit/restorations"
VERIFY = "/api/admin/audit/verify"

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def ask(trail: Trail) -> AsyncIterator[Ask]:
    """Ask the service; the status and the parsed body."""
    parts = trail.parts(MediaSigner(b"media", lambda: 0.0))
    routes = [each.given(parts) for each in http.ROUTES]
    async with TestClient(TestServer(application("audit", routes, seal=SEAL))) as client:

        async def asked(
            method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
        ) -> tuple[int, Any]:
            given = headers or signed()
            async with client.request(method, path, json=body, headers=given) as answer:
                return answer.status, await answer.json()

        yield asked


@pytest.fixture
async def restored(trail: Trail, world: World) -> Trail:
    """A trail of 200 entries, which once were 400."""
    for size in (100, 200, 300, 400):
        await trail.grow(world, 100)
        await trail.notary.checkpoint("default")
        if size == 200:
            await trail.back_up()
    await trail.restore()
    return trail


def kept(trail: Trail) -> list[int]:
    """The sizes of the copies outside."""
    return sorted(
        int(path.name) for path in (trail.outside / "default/audit/checkpoints").iterdir()
    )


def aside(trail: Trail) -> list[int]:
    """The sizes of the copies that were set aside."""
    return sorted(int(each.name) for each in trail.outside.glob("default/audit/set-aside/*/*"))


async def acknowledged(ask: Ask, first_bad: int = 201) -> dict[str, Any]:
    """The answer to it."""
    body = {"first_bad": first_bad, "reason": "The disk of 4 May was lost."}
    status, answer = await ask("POST", RESTORATIONS, body)
    assert status == 201, answer
    told: dict[str, Any] = answer
    return told


async def test_until_it_is_acknowledged_nothing_is_signed(
    restored: Trail, world: World, ask: Ask
) -> None:
    await restored.grow(world, 20)
    with pytest.raises(TrailBroken):
        await restored.notary.checkpoint("default")
    found = (await ask("GET", VERIFY))[1]
    assert (found["first_bad"], found["reason"]) == (221, "truncated")


async def test_acknowledged_the_trail_goes_on_and_tells_of_it(restored: Trail, ask: Ask) -> None:
    told = await acknowledged(ask)
    assert (told["seq"], told["after"], told["until"], told["checkpoints"]) == (201, 200, 400, 2)
    found = (await ask("GET", VERIFY))[1]
    assert (found["ok"], found["entries"], found["restorations"]) == (True, 201, 1)
    assert (kept(restored), aside(restored)) == ([100, 200, 201], [300, 400])
    assert (await ask("GET", RESTORATIONS))[1]["items"] == [told]
    (entry,) = await restored.entries(action="restore_acknowledged")
    assert entry["seq"] == 201
    assert entry["reason"] == "The disk of 4 May was lost."
    assert entry["metadata"]["statement"] == told["statement"]
    assert str(entry["performed_by"]) == told["acknowledged_by"]


async def test_new_checkpoints_take_the_places_of_lost_ones(
    restored: Trail, world: World, ask: Ask
) -> None:
    await acknowledged(ask)
    await restored.grow(world, 99)
    await restored.notary.checkpoint("default")
    await restored.grow(world, 200)
    await restored.notary.checkpoint("default")
    assert kept(restored) == [100, 200, 201, 300, 500]
    assert (await restored.examine()).ok


async def test_one_that_grew_on_before_is_acknowledged_too(
    restored: Trail, world: World, ask: Ask
) -> None:
    await restored.grow(world, 250)
    found = (await ask("GET", VERIFY))[1]
    assert (found["first_bad"], found["reason"]) == (201, "rewritten")
    told = await acknowledged(ask)
    assert (told["seq"], told["after"], told["until"]) == (451, 200, 400)
    assert (await restored.examine()).ok


async def test_only_what_was_seen_can_be_acknowledged(restored: Trail, ask: Ask) -> None:
    body = {"first_bad": 150, "reason": "x"}
    status, problem = await ask("POST", RESTORATIONS, body)
    assert (status, problem["code"], problem["first_bad"]) == (409, "lost_elsewhere", 201)
    assert (kept(restored), aside(restored)) == ([100, 200, 300, 400], [])
    assert (await ask("POST", RESTORATIONS, {"first_bad": 0, "reason": "x"}))[0] == 400
    assert (await ask("POST", RESTORATIONS, {"first_bad": 201, "reason": ""}))[0] == 400


async def test_nothing_lost_is_nothing_to_acknowledge(trail: Trail, world: World, ask: Ask) -> None:
    await trail.grow(world, 3)
    status, problem = await ask("POST", RESTORATIONS, {"first_bad": 4, "reason": "x"})
    assert (status, problem["code"]) == (409, "nothing_lost")
    assert len(await trail.entries()) == 3


async def test_an_edit_is_no_backup(trail: Trail, world: World, ask: Ask) -> None:
    await trail.grow(world, 10)
    await trail.notary.checkpoint("default")
    await trail.tamper("update audit.assignment_history set reason = 'x' where seq = 4")
    status, problem = await ask("POST", RESTORATIONS, {"first_bad": 4, "reason": "x"})
    assert (status, problem["code"]) == (409, "lost_elsewhere")


async def test_asking_again_with_the_same_key_does_it_once(restored: Trail, ask: Ask) -> None:
    headers = {**signed(), "Idempotency-Key": "17"}
    body = {"first_bad": 201, "reason": "The disk was lost."}
    first = await ask("POST", RESTORATIONS, body, headers)
    assert await ask("POST", RESTORATIONS, body, headers) == first
    assert (await ask("POST", RESTORATIONS, body))[1]["code"] == "nothing_lost"


async def test_a_rollback_after_it_is_found(restored: Trail, world: World, ask: Ask) -> None:
    """What was vouched for once excuses nothing else, though it lies between the same entries."""
    await acknowledged(ask)
    await restored.grow(world, 150)
    await restored.notary.checkpoint("default")
    await restored.cut(320)
    found = await restored.examine()
    assert (found.first_bad, found.reason, found.until) == (321, "truncated", 351)
    with pytest.raises(TrailBroken):
        await restored.notary.checkpoint("default")
    assert 351 in kept(restored)


async def test_an_acknowledgement_that_is_rolled_back_is_found(
    restored: Trail, world: World, ask: Ask
) -> None:
    await acknowledged(ask)
    await restored.restore()
    await restored.tamper("delete from audit.restorations")
    for path in (restored.outside / "default/audit/checkpoints").glob("*201"):
        path.unlink()
    (restored.outside / "default/audit/checkpoint").unlink()
    found = await restored.examine()
    assert (found.first_bad, found.reason, found.until) == (201, "truncated", 400)
    again = await acknowledged(ask)
    assert again["checkpoints"] == 0
    assert (await restored.examine()).restorations == 1


@pytest.mark.parametrize("forge", ["stated = 'x'", "lost = '[[351, \"00\"]]'", "after_seq = 5"])
async def test_a_forged_acknowledgement_sets_nothing_aside(
    restored: Trail, world: World, ask: Ask, forge: str
) -> None:
    await acknowledged(ask)
    await restored.tamper(f"update audit.restorations set {forge}")
    assert not await restored.notary.set_aside_lost("default")
    assert not (await restored.examine()).ok


async def test_a_kill_while_copies_are_set_aside_costs_nothing(
    restored: Trail, world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_aside = Copies.set_aside

    async def killed(
        copies: Copies, tenant: str, ident: UUID, statement: str, sizes: Sequence[int]
    ) -> None:
        await set_aside(copies, tenant, ident, statement, sizes[:1])
        raise ConnectionAbortedError

    with monkeypatch.context() as once:
        once.setattr(Copies, "set_aside", killed)
        body = {"first_bad": 201, "reason": "The disk was lost."}
        assert (await ask("POST", RESTORATIONS, body))[0] == 503
    assert (kept(restored), aside(restored)) == ([100, 200, 400], [300])
    restored.databases.clock.offset = timedelta(minutes=2)
    await restored.notary.sign_due()
    assert (kept(restored), aside(restored)) == ([100, 200, 201], [300, 400])
    assert (await restored.examine()).ok
