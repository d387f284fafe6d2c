"""However an upload is cut up and interrupted, what arrives is exactly what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import Studio
from services.converter.tests.uploading import Sender, checksum, replica
from shared.testing.databases import PostgresServer, fresh_databases

PIECE = 3000

Manner = Literal["plain", "guarded", "spoilt", "misplaced", "broken off", "in chunks", "twice"]


class Step(NamedTuple):
    """So many bytes are sent, well or badly, to one replica or the other."""

    size: int
    manner: Manner
    replica: int


sizes = st.one_of(
    st.sampled_from([0, 1, 11, 12, PIECE - 1, PIECE, PIECE + 1]), st.integers(0, 30_000)
)
steps = st.builds(Step, sizes, st.sampled_from(get_args(Manner)), st.integers(0, 1))


class World(NamedTuple):
    """Two replicas over one database and one store, and a film to be sent."""

    studio: Studio
    senders: Sequence[Sender]
    film: bytes


@pytest.fixture(scope="module")
async def world(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory, clip: MakeClip
) -> AsyncIterator[World]:
    home = tmp_path_factory.mktemp("histories")
    async with fresh_databases(postgres, "converter") as databases:
        studio = Studio(databases, home)
        await studio.blobs.open()
        async with (
            replica(studio, home, piece=PIECE) as one,
            replica(studio, home, piece=PIECE) as other,
        ):
            yield World(studio, (one, other), (await clip("sound")).read_bytes())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(steps, max_size=12))
async def test_what_arrives_is_what_was_sent(world: World, history: list[Step]) -> None:
    path = await world.senders[0].begin(len(world.film))

    for step in history:
        await take(step, world, path)

    location = await finish(world, path)
    key = f"default/originals/{location.rpartition('/')[2]}"
    async with world.studio.blobs.read(key) as download:
        assert b"".join([chunk async for chunk in download.chunks]) == world.film
    ident = path.rpartition("/")[2]
    assert [key async for key in world.studio.blobs.list(f"default/uploads/{ident}-")] == []


async def take(step: Step, world: World, path: str) -> None:
    """One step; what the server then says of the offset must be what it means."""
    sender = world.senders[step.replica]
    offset = await sender.offset(path)
    content = world.film[offset : offset + step.size]
    after = offset + len(content)
    match step.manner:
        case "plain":
            assert (await sender.patch(path, offset, content)).status == 204
        case "guarded":
            guard = checksum(content)
            assert (await sender.patch(path, offset, content, **guard)).status == 204
        case "spoilt":
            bad = content[::-1] + b"!" if after < len(world.film) else bytes(len(content))
            status = (await sender.patch(path, offset, bad, **checksum(content))).status
            after = after if bad == content else offset
            assert status == (204 if bad == content else 460)
        case "misplaced":
            assert (await sender.patch(path, offset + 1, content)).status == 409
            after = offset
        case "in chunks":
            assert (await sender.patch(path, offset, in_chunks(content))).status == 204
        case "twice":
            answers = [await sender.patch(path, offset, content) for _ in range(2)]
            assert answers[0].status == 204
            assert answers[1].status == (409 if content else 204)
        case "broken off":
            promised = len(world.film) - offset + 1
            if promised > len(content) + 1:
                async with sender.breaking_off(path, offset, content, promised - 1):
                    pass
            return  # how much of it came nobody can know before asking
    assert await sender.offset(path) == after


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


async def finish(world: World, path: str) -> str:
    """Go on until all is there, asking anew when somebody else was quicker."""
    for _ in range(10):
        head = await world.senders[1].send("HEAD", path)
        if location := head.headers.get("Content-Location"):
            return location
        offset = int(head.headers["Upload-Offset"])
        await world.senders[1].patch(path, offset, world.film[offset:])
    raise AssertionError("it never came to an end")
