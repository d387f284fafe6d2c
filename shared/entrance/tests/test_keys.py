"""The keys of ``identity``: fetched once for all, not too often, and kept in an outage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc.jwk import KeySet, OKPKey

from shared.entrance.keys import KeyRing
from shared.testing.identity import new_key
from shared.web.problems import Unavailable


class Identity:
    """Publishes keys, or is down."""

    def __init__(self, *keys: OKPKey) -> None:
        self.keys = list(keys)
        self.down = False
        self.asked = 0
        self.time = 1000.0

    async def fetch(self) -> dict[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("down")
        return dict(KeySet([*self.keys]).as_dict(private=False))

    def ring(self) -> KeyRing:
        return KeyRing(self.fetch, lambda: self.time)


async def test_many_at_once_fetch_once() -> None:
    identity = Identity(key := new_key())
    ring = identity.ring()
    found = await asyncio.gather(*(ring.key(str(key.kid)) for _ in range(20)))
    assert all(found)
    assert identity.asked == 1


async def test_an_unknown_key_is_asked_for_at_most_every_five_seconds() -> None:
    identity = Identity(new_key())
    ring = identity.ring()
    for _ in range(50):
        assert await ring.key("unknown") is None
    assert identity.asked == 1
    identity.keys.append(fresh := new_key())
    identity.time += 5
    assert await ring.key(str(fresh.kid)) is not None
    assert identity.asked == 2


async def test_known_keys_outlive_an_outage() -> None:
    identity = Identity(key := new_key())
    ring = identity.ring()
    await ring.key(str(key.kid))
    identity.down = True
    identity.time += 100_000
    assert await ring.key(str(key.kid)) is not None


async def test_a_withdrawn_key_is_forgotten_after_fifteen_minutes() -> None:
    identity = Identity(key := new_key(), new_key())
    ring = identity.ring()
    await ring.key(str(key.kid))
    identity.keys.remove(key)
    assert await ring.key(str(key.kid)) is not None
    identity.time += 901
    assert await ring.key(str(key.kid)) is None


async def test_without_any_key_it_is_unavailable_until_there_is_one() -> None:
    identity = Identity(key := new_key())
    identity.down = True
    ring = identity.ring()
    with pytest.raises(Unavailable):
        await ring.key(str(key.kid))
    identity.down = False
    assert await ring.key(str(key.kid)) is not None
