"""A gateway as it is built, with stand-ins for the services behind it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from services.gateway.service import build
from services.gateway.table import SERVICES
from services.gateway.tests.stand_ins import REGISTRY, Registry, stand_in
from shared.blobs.local import LocalBlobs
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.contracts.envelope import seal
from shared.contracts.identity import CredentialRevoked
from shared.runtime.ids import new_id
from shared.runtime.keys import Keys
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import RuntimeSettings
from shared.web import Health
from shared.web.actor import ActorSeal
from shared.web.application import application

KEYS = Keys(b"root", b"audit")

SESSION = UUID("019a9d3c-5c00-7000-8000-00000000005e")
"""The session of everybody who does not say otherwise."""


@dataclass
class House:
    """A gateway and what stands behind it; ``seen`` are the requests the services got."""

    client: TestClient[web.Request, web.Application]
    peers: dict[str, str]
    blobs: LocalBlobs
    signer: MediaSigner
    media_key: bytes
    key: OKPKey
    seen: list[web.Request] = field(default_factory=list)
    behind: dict[str, web.Application] = field(default_factory=dict)
    service: Service = field(kw_only=True)

    @property
    def registry(self) -> Registry:
        """What identity knows of sessions, keys and tickets."""
        return self.behind["identity"][REGISTRY]

    async def hear_of_end(self, credential: UUID) -> None:
        """Let the gateway hear that a session or key was revoked."""
        event = CredentialRevoked(credential_id=credential)
        now, context = datetime.now(UTC), Context("acme")
        message = seal(event, ident=new_id(), time=now, context=context)
        await self.service.listeners[CredentialRevoked](message)

    def token(self, *, key: OKPKey | None = None, header: Any = None, **claims: Any) -> str:
        """An access token; whatever is given replaces what a good one says."""
        key = key or self.key
        now = int(time.time())
        told = {
            "iss": "marquee/identity",
            "aud": "marquee",
            "sub": str(uuid4()),
            "sid": str(SESSION),
            "nbf": now,
            "exp": now + 60,
            "tenant": "acme",
            "role": "admin",
        } | claims
        told = {name: value for name, value in told.items() if value is not None}
        head = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid} | (header or {})
        return jwt.encode(head, told, key, algorithms=["Ed25519"])

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The header of somebody signed in."""
        return {"Authorization": f"Bearer {self.token(**claims)}"}


def new_key() -> OKPKey:
    """A signing key as ``identity`` has it."""
    key = OKPKey.generate_key("Ed25519", {"alg": "Ed25519", "use": "sig"})
    key.ensure_kid()
    return key


@asynccontextmanager
async def open_house(path: Path, **settings: Any) -> AsyncIterator[House]:
    """Everything up."""
    async with AsyncExitStack() as stack:
        peers: dict[str, str] = {}
        blobs = LocalBlobs(path)
        await blobs.open()
        client, service = await _gateway(peers, blobs, path, stack, settings)
        media_key = KEYS.derive("media-url")
        signer = MediaSigner(media_key, time.time)
        house = House(client, peers, blobs, signer, media_key, new_key(), service=service)
        jwks = dict(KeySet([house.key]).as_dict(private=False))
        for name in SERVICES:
            house.behind[name] = stand_in(name, KEYS, jwks, house.seen)
            server = TestServer(house.behind[name])
            await stack.enter_async_context(server)
            peers[name] = str(server.make_url("")).rstrip("/")
        yield house


async def _gateway(
    peers: dict[str, str],
    blobs: LocalBlobs,
    path: Path,
    stack: AsyncExitStack,
    settings: dict[str, Any],
) -> tuple[TestClient[web.Request, web.Application], Service]:
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
