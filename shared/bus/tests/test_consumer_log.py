"""What the log says of facts names the traces they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from structlog.testing import capture_logs

from shared.bus.consumer import TRACES_TOLD, OnFact, consumer
from shared.bus.port import Delivery
from shared.contracts.context import Context
from shared.contracts.converter import TicketIssued
from shared.contracts.envelope import seal
from shared.contracts.event import Event
from shared.db.database import Tx
from shared.testing.bus.kit import RECEIVER, Names, leave_effect, ticket
from shared.testing.fixtures import OpenDatabases

QUEUE = Names("told").beta


def delivery(trace: int | None) -> Delivery:
    """A fact of this trace."""
    parent = None if trace is None else f"00-{trace:032x}-00f067aa0ba902b7-01"
    context = Context("default", traceparent=parent)
    return Delivery(seal(ticket(), ident=uuid4(), time=datetime.now(UTC), context=context), 0)


async def lines(databases: OpenDatabases, on_fact: OnFact, *traces: int | None) -> list[Any]:
    """What is logged while a batch is taken."""
    handlers: Mapping[type[Event], OnFact] = {TicketIssued: on_fact}
    handler = consumer(QUEUE, (await databases(RECEIVER))["receiver"], handlers).handler
    with capture_logs() as logs:
        await handler([delivery(trace) for trace in traces])
    return [log for log in logs if log["event"] in ("facts_handled", "fact_failed")]


async def fail(tx: Tx, _: Event) -> None:
    raise ValueError("bad")


async def test_a_fact_s_trace_is_told(databases: OpenDatabases) -> None:
    (handled,) = await lines(databases, leave_effect, 7)
    assert handled["trace_id"] == f"{7:032x}"
    (failed,) = await lines(databases, fail, 8)
    assert (failed["event"], failed["trace_id"]) == ("fact_failed", f"{8:032x}")


async def test_each_trace_of_a_batch_is_told_once_and_not_too_many(
    databases: OpenDatabases,
) -> None:
    (few,) = await lines(databases, leave_effect, 2, 1, 2, None)
    assert few["trace_ids"] == [f"{2:032x}", f"{1:032x}"]
    (many,) = await lines(databases, leave_effect, *range(1, TRACES_TOLD + 9))
    assert many["handled"] == TRACES_TOLD + 8
    assert many["trace_ids"] == [f"{n:032x}" for n in range(1, TRACES_TOLD + 1)]


async def test_a_fact_of_no_trace_has_none(databases: OpenDatabases) -> None:
    (handled,) = await lines(databases, leave_effect, None)
    assert not {"trace_id", "trace_ids"} & set(handled)
