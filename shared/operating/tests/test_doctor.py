"""What any service can find wrong with itself, each fault made for real."""

from __future__ import annotations

from uuid import uuid4

import aio_pika

from shared.contracts.context import Context
from shared.contracts.topology import NOTIFIER_STORE
from shared.operating.doctor import outbox_lags, queues_missing
from shared.operating.tests.conftest import Site

HERE = Context("default")


async def test_an_event_that_nobody_takes_lags(site: Site) -> None:
    ailment = outbox_lags(site.databases["notifier"])
    insert = (
        "insert into notifier.outbox (id, type, aggregateid, headers, payload, created_at)"
        " values ($1, 'no.queue.bound', '', '{}', '', clock_timestamp() - $2::interval)"
    )
    await site.databases.as_admin(insert.replace("$2", "'5 s'"), uuid4())
    assert await ailment.look(HERE) == []
    await site.databases.as_admin(insert.replace("$2", "'61 s'"), uuid4())
    assert await ailment.look(HERE) == ["no.queue.bound"]
    assert ailment.mend is None, "only the bus can take it"


async def test_a_deleted_queue_is_found_and_declared(site: Site, amqp_url: str) -> None:
    ailment = queues_missing(site.bus)
    assert await ailment.look(HERE) == []
    if site.bus.version() == "embedded":
        return  # rows of one table: there is nothing to delete
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        await channel.queue_delete(NOTIFIER_STORE.parked)
    assert await ailment.look(HERE) == [NOTIFIER_STORE.parked]
    assert ailment.mend is not None
    assert await ailment.mend(HERE) == 1
    assert await ailment.look(HERE) == []
