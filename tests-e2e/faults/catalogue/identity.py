"""Who knows the keys is away, and tokens come with keys that nobody has."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from functools import partial

from faults.catalogue.broker import check_writes
from faults.catalogue.converting import busy_with_a_long_film
from faults.failpoints import ANOTHER_KEY, LEASE_SECONDS
from faults.fault import Fault, Scene
from harness.client import Client
from harness.waiting import eventually

_AWAY = 20.0
_HOUR = 3600.0
_LET_IN = 7.0
"""Seconds until a token with a new key is good: as often as keys are asked for, and some more."""

_FLOOD = 500


async def no_identity(scene: Scene) -> None:
    """``identity`` is down for a while; meanwhile tokens of unknown keys come in hundreds. Then
    it signs with another key; and then the clocks jump.

    Survived by: keys and sessions that the gateway remembers; a refresh at most every 5 seconds.
    """
    identity = scene.site.members["identity"]
    await identity.stay_down()
    began = time.time()
    try:
        await asyncio.gather(*(_flood(scene, n) for n in range(5)))
        await asyncio.sleep(max(0.0, began + _AWAY - time.time()))
    finally:
        identity.come_back()
    check_writes(scene, began, time.time(), kinds=("assign", "bulk", "undo"), least=10)
    await identity.up()
    await _rotate(scene)
    await _set_clocks(scene)


async def _rotate(scene: Scene) -> None:
    """Tokens are signed with another key from now on; who has one is let in soon, flood or not.

    Meanwhile the others act by a key that is no token.
    """
    identity, client = scene.site.members["identity"], scene.load.client
    token = client.token
    body = {"name": "meanwhile", "role": "admin"}
    client.token = (await client.post("/api/admin/api-keys", body, expect=201))["key"]
    await scene.load.busy()  # whoever is not through yet has a token
    try:
        await identity.restart(**{ANOTHER_KEY: "another"})
        newcomer = await scene.site.administrator()
        flood = asyncio.create_task(_flood(scene, 5))
        began = time.time()
        await eventually(partial(newcomer.get, "/api/admin/users"), within=_LET_IN)
        scene.recovered = time.time() - began
        await flood
    finally:
        identity.environment.pop(ANOTHER_KEY, None)
        await identity.restart()
    before = Client(client.url, client.session, token)
    await asyncio.sleep(_LET_IN)  # until nothing is remembered of it but the key
    await eventually(partial(before.get, "/api/admin/users"), within=_LET_IN)
    client.token = token


async def _set_clocks(scene: Scene) -> None:
    """All clocks are an hour ahead, and set right again just when a worker dies.

    Survived by: waiting by clocks that nobody sets; leases that are over once they end later than
    any that could be given now.
    """
    clocks = scene.site.members.values()
    try:
        for member in clocks:
            member.set_clock(_HOUR)
        await scene.load.busy()
        asset, victim = await busy_with_a_long_film(scene)
        await victim.kill()
    finally:
        for member in clocks:
            member.set_clock(None)
    await scene.load.busy()
    await scene.load.ended(asset, within=LEASE_SECONDS + 100)


async def _flood(scene: Scene, number: int) -> None:
    client = scene.load.client
    for count in range(_FLOOD // 5):
        head = {"alg": "Ed25519", "typ": "at+jwt", "kid": f"{number}-{count}"}
        token = f"{_word(head)}.{_word({'sub': 'x'})}.{'A' * 86}"
        async with client.session.get(
            f"{client.url}/api/admin/users", headers={"Authorization": f"Bearer {token}"}
        ) as answer:
            scene.expect(answer.status == 401, f"F25: a forged token got {answer.status}")


def _word(of: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(of).encode()).rstrip(b"=").decode()


FAULTS = [Fault("F25", "identity away, unknown keys and a new one, clocks set", no_identity)]
