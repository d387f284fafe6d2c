"""A gateway as it is built, with stand-ins for the services behind it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc.jwk import OKPKey

from services.gateway.service import build
from services.gateway.table import SERVICES
from services.gateway.tests.stand_ins import stand_in
from shared.blobs.local import LocalBlobs
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.contracts.envelope import seal
from shared.contracts.identity import CredentialRevoked
from shared.runtime.ids import new_id
from shared.runtime.keys import Keys
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import RuntimeSettings
from shared.testing.identity import IdentityStandIn, Registry
from shared.web import Health, Routes
from shared.web.actor import ActorSeal
from shared.web.application import application

KEYS = Keys(b"root", b"audit")


@dataclass
class House:
    """A gateway and what stands behind it; ``seen`` are the requests the services got."""

    client: TestClient[web.Request, web.Application]
    peers: dict[str, str]
    blobs: LocalBlobs
    signer: MediaSigner
    media_key: bytes
    identity: IdentityStandIn
    seen: list[web.Request] = field(default_factory=list)
    behind: dict[str, web.Application] = field(default_factory=dict)
    service: Service = field(kw_only=True)

    @property
    def registry(self) -> Registry:
        """What identity knows of sessions, keys and tickets."""
        return self.identity.registry

    @property
    def key(self) -> OKPKey:
        """What identity signs tokens with."""
        return self.identity.key

    async def hear_of_end(self, credential: UUID) -> None:
        """Let the gateway hear that a session or key was revoked."""
        event = CredentialRevoked(credential_id=credential)
        now, context = datetime.now(UTC), Context("acme")
        message = seal(event, ident=new_id(), time=now, context=context)
        await self.service.listeners[CredentialRevoked](message)

    @asynccontextmanager
    async def another(self, name: str, *answers: web.RouteDef) -> AsyncIterator[None]:
        """A service of another version in the place of one: it answers this, and nothing else."""
        routes = Routes(name)
        for answer in answers:
            routes.raw(answer)
        usual = self.peers[name]
        async with TestServer(application(name, [routes], seal=None)) as server:
            self.peers[name] = str(server.make_url("")).rstrip("/")
            yield
        self.peers[name] = usual

    def token(self, **claims: Any) -> str:
        """An access token; whatever is given replaces what a good one says."""
        return self.identity.token(**claims)

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The header of somebody signed in."""
        return self.identity.bearer(**claims)


@asynccontextmanager
async def open_house(path: Path, *, near: bool = False, **settings: Any) -> AsyncIterator[House]:
    """Everything up; behind connections, or ``near``, in the gateway's own process."""
    async with AsyncExitStack() as stack:
        peers: dict[str, str] = {}
        nearby: dict[str, web.Server] = {}
        blobs = LocalBlobs(path)
        await blobs.open()
        client, service = await _gateway((peers, nearby), blobs, path, stack, settings)
        media_key = KEYS.derive("media-url")
        signer = MediaSigner(media_key, time.time)
        identity = IdentityStandIn()
        house = House(client, peers, blobs, signer, media_key, identity, service=service)
        for name in SERVICES:
            house.behind[name] = stand_in(name, KEYS, identity, house.seen)
            server = TestServer(house.behind[name])
            await stack.enter_async_context(server)
            peers[name] = str(server.make_url("")).rstrip("/")
            if near:
                nearby[name] = server.handler
        yield house


async def _gateway(
    behind: tuple[dict[str, str], dict[str, web.Server]],
    blobs: LocalBlobs,
    path: Path,
    stack: AsyncExitStack,
    settings: dict[str, Any],
) -> tuple[TestClient[web.Request, web.Application], Service]:
    peers, nearby = behind
    runtime: Any = Runtime(
        settings=RuntimeSettings(**settings),
        keys=KEYS,
        new_id=new_id,
        bus=None,  # type: ignore[arg-type]  # the gateway has none
        blobs=blobs,
        databases={},
        peers=peers,
        sole_process=True,
        work_dir=path,
        nearby=nearby,
    )
    service: Service = build(runtime)
    for start in service.on_start:
        await start()
    for stop in service.on_stop:
        stack.push_async_callback(stop)
    health = Health(service.checks)
    health.phase = "up"
    seal = ActorSeal(KEYS.derive("internal-actor"), time.time)
    app = application(service.name, service.routes, seal=seal, health=health)
    client = await stack.enter_async_context(TestClient(TestServer(app)))
    return client, service
