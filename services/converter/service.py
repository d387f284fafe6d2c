"""The wiring of ``converter``, as one that takes uploads and works, and as one that only works."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from services.converter import consumers, doctoring, figures, http, leases
from services.converter import restating as films
from services.converter.attempt import Workshop
from services.converter.ffmpeg import Ffmpeg
from services.converter.incoming import Broom
from services.converter.intake import Intake
from services.converter.probing.prober import CHILD, Prober
from services.converter.resumable.sweeping import PartsBroom
from services.converter.resumable.uploads import Uploads
from services.converter.scratch import Scratch
from services.converter.settings import ConverterSettings
from services.converter.shelf import Shelf
from services.converter.sweeper import Sweeper
from services.converter.worker import Worker
from shared.bus.port import Subscription
from shared.contracts.maintenance import ConverterMaintained
from shared.contracts.topology import CONVERTER_TICKETS, queues_of
from shared.operating import doctor, parked_http, restating
from shared.operating.parking import ParkingLot
from shared.runtime.sandbox import Sandbox
from shared.runtime.service import Hook, Loop, Runtime, Service
from shared.runtime.settings import SettingsError
from shared.web import Check

log = structlog.get_logger()


def build(runtime: Runtime) -> Service:
    """Uploads, answers, and conversions."""
    bench = _Bench.of(runtime)
    database = runtime.database("converter")
    broom = Broom(database, runtime.blobs)
    intake = Intake(
        database=database,
        blobs=runtime.blobs,
        scratch=bench.scratch,
        sandbox=bench.sandbox,
        prober=bench.prober,
        broom=broom,
        new_id=runtime.new_id,
        limit=bench.settings.upload_max_bytes,
    )
    parts_broom = PartsBroom(database, runtime.blobs)
    uploads = Uploads(
        database=database,
        blobs=runtime.blobs,
        scratch=bench.scratch,
        intake=intake,
        broom=parts_broom,
        new_id=runtime.new_id,
        most=bench.settings.open_uploads,
    )
    lot = ParkingLot(database, runtime.bus, queues_of("converter"), ConverterMaintained)
    return Service(
        "converter",
        routes=[
            http.routes.given(http.Parts(database, intake, runtime.media_signer, runtime.blobs)),
            http.upload_routes.given(uploads),
            parked_http.routes.given(lot),
            doctor.routes.given(doctoring.practice(database, runtime.blobs, runtime.bus)),
            restating.routes.given(films.restating(database)),
            figures.routes.given(
                figures.Figures(
                    database,
                    runtime.bus,
                    bench.settings.converter_slots,
                    bench.settings.ffmpeg,
                )
            ),
        ],
        subscriptions=[
            consumers.subscription(database),
            *([_work(runtime, bench)] if bench.settings.converter_slots else []),
        ],
        loops=[
            *_loops(runtime),
            Loop("converter-broom", broom.run),
            Loop("converter-parts-broom", parts_broom.run),
            Loop("converter-shelf", Shelf(database, runtime.blobs).run),
            Loop("converter-parking", lot.run),
        ],
        checks=_checks(runtime),
        on_start=_start(runtime, bench),
        on_stop=[bench.scratch.close, bench.sandbox.close],
    )


def build_worker(runtime: Runtime) -> Service:
    """Conversions alone. Raises SettingsError without a slot for them."""
    bench = _Bench.of(runtime)
    if bench.settings.converter_slots == 0:
        raise SettingsError("MARQUEE_CONVERTER_SLOTS: takes 1 or more in a converter-worker, not 0")
    return Service(
        "converter-worker",
        subscriptions=[_work(runtime, bench)],
        loops=_loops(runtime),
        checks=_checks(runtime),
        on_start=_start(runtime, bench),
        on_stop=[bench.scratch.close, bench.sandbox.close],
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """What taking uploads and converting share."""

    settings: ConverterSettings
    scratch: Scratch
    sandbox: Sandbox
    prober: Prober

    @classmethod
    def of(cls, runtime: Runtime) -> _Bench:
        settings, sandbox = ConverterSettings.load(), Sandbox(CHILD.name)
        return cls(
            settings=settings,
            scratch=Scratch(runtime.work_dir / "converter"),
            sandbox=sandbox,
            prober=Prober(sandbox, budget=settings.probe_seconds),
        )


def _work(runtime: Runtime, bench: _Bench) -> Subscription:
    worker = Worker(
        name=bench.scratch.name,
        database=runtime.database("converter"),
        bus=runtime.bus,
        workshop=Workshop(
            blobs=runtime.blobs,
            scratch=bench.scratch,
            sandbox=bench.sandbox,
            prober=bench.prober,
            ffmpeg=Ffmpeg(bench.settings.ffmpeg, bench.sandbox),
            shelf=Shelf(runtime.database("converter"), runtime.blobs),
            webm_codec=bench.settings.webm_codec,
        ),
    )
    slots = bench.settings.converter_slots
    return Subscription(CONVERTER_TICKETS.name, worker.handle, concurrency=slots)


def _loops(runtime: Runtime) -> list[Loop]:
    sweeper = Sweeper(runtime.database("converter"), runtime.bus)
    return [Loop("converter-sweeper", sweeper.run)]


def _start(runtime: Runtime, bench: _Bench) -> list[Hook]:
    async def inspect_sandbox() -> None:
        with bench.scratch.directory() as directory:
            bench.sandbox.hand_over(directory)
            await bench.sandbox.inspect(directory)

    async def take_over() -> None:
        """Whatever a predecessor held is nobody's now."""
        database = runtime.database("converter")
        async with database.system_transaction() as tx:
            released, now = await leases.release_all(tx), await tx.now()
        removed = await Broom(database, runtime.blobs).sweep(now)
        if released or removed:
            log.info("predecessor_cleared", leases=released, uploads=removed)

    alone = [take_over] if runtime.sole_process else []
    return [bench.scratch.open, inspect_sandbox, *alone]


def _checks(runtime: Runtime) -> list[Check]:
    return [
        Check("database", runtime.database("converter").reachable, critical=True),
        Check("storage", runtime.blobs.reachable),
    ]
