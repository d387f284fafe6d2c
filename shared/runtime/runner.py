"""Runs one service or all of them: the same code either way, started and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ssl import SSLContext

import structlog
from aiohttp import web

from shared.bus import inbox
from shared.bus.outbox import Outbox
from shared.bus.port import Bus
from shared.bus.relay import Relay
from shared.contracts.topology import queues_of
from shared.db import Database, idempotency
from shared.db.database import Clock
from shared.operating import status
from shared.operating.sampling import Sampling
from shared.runtime.ids import NewId, new_id
from shared.runtime.parts import BUS_SCHEMA, Module, assembled
from shared.runtime.service import Loop, Runtime, Service
from shared.runtime.settings import SERVICE_PORTS, RuntimeSettings, SettingsError
from shared.runtime.supervise import running_loops
from shared.runtime.tls import public_tls
from shared.runtime.waiting import WaitingRoom
from shared.web import Check, Health
from shared.web.application import application
from shared.web.listener import Runner

log = structlog.get_logger()

GATEWAY = "gateway"

_REQUEST_SECONDS = 3.0
"""How long requests under way may go on after a stop was asked for."""

_DRAIN_SECONDS = 5.0
"""How long handlers may go on then; with the above, less than the 15 s a stop may take."""

_KEEPALIVE_SECONDS = 75.0
"""Longer than the gateway keeps an idle connection, so that it never meets a closed one."""


_POLL = 0.1
"""Seconds until the relay finds what another process committed."""

_LONE_POLL = 1.0
"""The same where there is no other process: every commit wakes the relay itself."""


_FILES = 65_536
"""Files and sockets a process may have open, if the system lets it."""

_ALLOCATIONS = 20_000
"""Containers made, beyond those freed, before the garbage collector looks at the newest."""

_HOUR = 3600.0

_ABANDONED_SECONDS = 24 * _HOUR
"""An unfinished write to the blob store that is older than this was given up."""


@dataclass(frozen=True, slots=True)
class Running:
    """Services under way. ``urls`` says where each of them listens."""

    runtime: Runtime
    urls: Mapping[str, str]


@asynccontextmanager
async def running(
    modules: Sequence[Module],
    settings: RuntimeSettings,
    *,
    clock: Clock | None = None,
    new_id: NewId = new_id,
) -> AsyncIterator[Running]:
    """Run services inside the block: built, migrated, relaying, consuming, listening.

    Tests pass a ``clock`` that they move, and ids that follow it.

    At the end, backwards: not ready any more, no new requests, no new deliveries, handlers
    drained, loops cancelled, relay and parts closed.
    """
    urls = _peers(settings)
    tls = public_tls(settings) if any(module.name == GATEWAY for module in modules) else None
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(
            assembled(
                settings,
                modules,
                peers=urls,
                clock=clock or Clock(),
                new_id=new_id,
                waiting=WaitingRoom(_known_addresses(modules, settings)),
            )
        )
        services = sorted(
            (module.build(runtime) for module in modules),
            key=lambda service: service.name == GATEWAY,  # it listens last and stops first
        )
        await _start_relay(runtime, services, stack)
        await _start_work(runtime, services, stack)
        bus = Check("bus", partial(_flows, runtime.bus))
        healths = [Health([*service.checks, bus]) for service in services]
        alone = len(services) == 1
        for service, health in zip(services, healths, strict=True):
            public = tls if service.name == GATEWAY else None
            urls[service.name] = await _listen(
                service, health, runtime, stack, alone=alone, tls=public
            )
        _set_phase(healths, "up")
        stack.callback(_set_phase, healths, "stopping")
        yield Running(runtime, urls)


def _peers(settings: RuntimeSettings) -> dict[str, str]:
    """Where services of other processes listen; those of this one replace their entry."""
    return {
        name: getattr(settings, f"{name}_url")
        for name in SERVICE_PORTS
        if hasattr(settings, f"{name}_url")
    }


async def _start_relay(
    runtime: Runtime, services: Sequence[Service], stack: AsyncExitStack
) -> None:
    owners = [database for name, database in runtime.databases.items() if name != BUS_SCHEMA.name]
    outboxes = [Outbox(database.schema, database) for database in owners]
    relay = Relay(runtime.bus, outboxes, poll=_LONE_POLL if runtime.sole_process else _POLL)
    answering = [
        runtime.databases[service.name]
        for service in services
        if service.keeps_answers and service.name in runtime.databases
    ]
    keep_house = partial(_keep_house, runtime, owners, answering)
    sampling = Sampling(
        runtime.bus,
        [queue for service in services for queue in queues_of(service.name)],
        {database.schema: database for database in owners},
        runtime.settings.outbox_max,
    )
    loops = [
        Loop("relay", relay.run),
        Loop("housekeeping", keep_house),
        Loop("sampling", sampling.run),
    ]
    await stack.enter_async_context(running_loops(loops))


async def _keep_house(
    runtime: Runtime, owners: Sequence[Database], answering: Sequence[Database]
) -> None:
    """Forget, once an hour, what nobody will ask for any more."""
    while True:
        for database in owners:
            await inbox.sweep(database)
        for database in answering:
            await idempotency.sweep(database)
        await runtime.blobs.sweep(_ABANDONED_SECONDS)
        await asyncio.sleep(_HOUR)


async def _start_work(runtime: Runtime, services: Sequence[Service], stack: AsyncExitStack) -> None:
    """Start what services do on their own, and hand them messages."""
    for service in services:
        for stop in service.on_stop:
            stack.push_async_callback(stop)
        for start in service.on_start:
            await start()
    loops = [loop for service in services for loop in service.loops]
    await stack.enter_async_context(running_loops(loops))
    for service in services:
        for event, listener in service.listeners.items():
            runtime.bus.listen(event.name, listener)
        for subscription in service.subscriptions:
            runtime.bus.subscribe(subscription)
    stack.push_async_callback(runtime.bus.stop, _DRAIN_SECONDS)


async def _flows(bus: Bus) -> bool:
    return bus.healthy()


def _set_phase(healths: Sequence[Health], phase: str) -> None:
    for health in healths:
        health.phase = phase  # type: ignore[assignment]  # one of its three words


async def _listen(
    service: Service,
    health: Health,
    runtime: Runtime,
    stack: AsyncExitStack,
    *,
    alone: bool,
    tls: SSLContext | None,
) -> str:
    app = application(
        service.name,
        [*service.routes, status.routes.given(_status(service, health, runtime))],
        seal=runtime.actor_seal,
        health=health,
        hushed=service.name != GATEWAY,
    )
    runner = Runner(
        app,
        access_log=None,
        shutdown_timeout=_REQUEST_SECONDS,
        keepalive_timeout=_KEEPALIVE_SECONDS,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, port = _address(service.name, runtime.settings, alone=alone)
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        prefix = "MARQUEE" if service.name == GATEWAY else "MARQUEE_SERVICE"
        raise SettingsError(f"{prefix}_HOST, {prefix}_PORT: {error.strerror}") from error
    assert runner.server is not None
    runtime.nearby[service.name] = runner.server
    scheme = "http" if tls is None else "https"
    return f"{scheme}://{_reachable(host)}:{runner.addresses[0][1]}"


def _status(service: Service, health: Health, runtime: Runtime) -> status.Status:
    """What the service says of itself to the gateway."""
    data_dir = runtime.settings.data_dir
    return status.Status(
        name=service.name,
        health=health,
        bus=runtime.bus,
        database=runtime.databases.get(service.name),
        queues=queues_of(service.name),
        data_dir=data_dir,
        blobs=None if runtime.settings.s3_bucket else data_dir / "blobs",
        started_at=datetime.now(UTC),
    )


def _address(name: str, settings: RuntimeSettings, *, alone: bool) -> tuple[str, int]:
    """The public address for the gateway; any free port of loopback beside it."""
    if name == GATEWAY:
        return settings.host, settings.port
    if not alone:
        return "127.0.0.1", 0
    port = SERVICE_PORTS[name] if settings.service_port is None else settings.service_port
    return settings.service_host, port


def _known_addresses(modules: Sequence[Module], settings: RuntimeSettings) -> list[tuple[str, int]]:
    """Where somebody may look for the services of this process before they are there."""
    alone = len(modules) == 1
    addresses = [_address(module.name, settings, alone=alone) for module in modules]
    return [(host, port) for host, port in addresses if port]


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _open_many_files() -> None:
    """Each WebSocket takes up to three, and many systems allow a process 1024 unless it asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _spare_the_collector() -> None:
    """Code and wiring stay for ever: the garbage collector need not look at them again.

    And it looks at the rest more rarely: requests leave little behind that refers to itself.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 20)


async def run_until_stopped(modules: Sequence[Module], settings: RuntimeSettings) -> None:
    """Run services, print one ready line, and stop cleanly on SIGINT, SIGTERM or SIGHUP."""
    starting, stop = asyncio.current_task(), asyncio.Event()
    up = asyncio.Event()

    def ask_to_stop() -> None:
        stop.set()
        if starting and not up.is_set():
            starting.cancel()

    numbers = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else nohup asked to go on
        numbers.add(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, ask_to_stop)
    began = time.monotonic()
    _open_many_files()
    try:
        async with running(modules, settings) as process:
            up.set()
            _spare_the_collector()
            names = [module.name for module in modules]
            url = process.urls[GATEWAY if GATEWAY in names else names[0]]
            log.info("ready", services=names, url=url, seconds=round(time.monotonic() - began, 2))
            print(f"Marquee is ready at {url}", flush=True)
            await stop.wait()
            log.info("stopping")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    log.info("stopped")
