"""What waits, as it is told to Prometheus."""

from __future__ import annotations

import math

from prometheus_client import REGISTRY, generate_latest

from shared.contracts.context import Context
from shared.contracts.topology import NOTIFIER_STORE
from shared.operating.sampling import Sampling
from shared.operating.tests.conftest import Site
from shared.testing.bus.kit import eventually, undone
from shared.testing.figures import figure


def sampling(site: Site, outbox_max: int = 1000) -> Sampling:
    outboxes = {"notifier": site.databases["notifier"]}
    return Sampling(site.bus, [NOTIFIER_STORE], outboxes, outbox_max)


async def test_it_tells_what_waits_and_what_is_parked(site: Site) -> None:
    await site.park("default", "elsewhere")
    async with site.databases["notifier"].transaction(Context("default")) as tx:
        tx.emit(undone(), to=NOTIFIER_STORE.name)
    await site.relay()
    async with site.databases["notifier"].transaction(Context("default")) as tx:
        tx.emit(undone())
    looks = sampling(site)

    async def told() -> bool:
        await looks.look()
        return figure("marquee_queue_messages", queue="notifier.store", state="ready") == 1

    await eventually(told, "the message that waits")
    assert figure("marquee_queue_messages", queue="notifier.store", state="parked") == 2
    assert figure("marquee_queue_consumers", queue="notifier.store") == 0
    assert figure("marquee_outbox_messages", service="notifier") == 1
    assert 0 < figure("marquee_outbox_oldest_seconds", service="notifier") < 60


async def test_an_outbox_is_full_until_the_broker_took_something(site: Site) -> None:
    database, looks = site.databases["notifier"], sampling(site, outbox_max=2)
    found = []
    for _ in range(2):
        async with database.transaction(Context("default")) as tx:
            tx.emit(undone())
        await looks.look()
        found.append(database.full)
    await site.relay()
    await looks.look()
    assert [*found, database.full] == [False, True, False]


async def test_it_tells_of_connections_when_asked(site: Site) -> None:
    sampling(site).watch()
    assert figure("marquee_bus_up") == 1
    async with site.databases["notifier"].transaction(Context("default")):
        assert figure("marquee_database_connections", service="notifier", state="used") == 1
    assert figure("marquee_database_connections", service="notifier", state="used") == 0
    assert figure("marquee_database_connections", service="notifier", state="idle") >= 1
    assert figure("marquee_database_connections_max", service="notifier") == 16
    assert b"marquee_outbox_oldest_seconds" in generate_latest()


async def test_what_cannot_be_asked_is_no_number(site: Site) -> None:
    looks = sampling(site)
    await looks.look()
    await site.bus.close()
    await site.databases["notifier"].pool.close()
    await looks.look()
    assert math.isnan(figure("marquee_outbox_messages", service="notifier"))
    assert math.isnan(figure("marquee_outbox_oldest_seconds", service="notifier"))
    ready = {"queue": "notifier.store", "state": "ready"}
    assert REGISTRY.get_sample_value("marquee_queue_messages", ready) is not None
