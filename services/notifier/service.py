"""The wiring of ``notifier``."""

from __future__ import annotations

import time
from functools import partial

from services.notifier import http
from services.notifier.consumers import Listening, numbering
from services.notifier.hub import Hub
from services.notifier.pruner import keep_pruning
from shared.contracts.converter import AssetProgressed
from shared.contracts.maintenance import NotifierMaintained
from shared.contracts.notifier import EventsStored
from shared.contracts.topology import queues_of
from shared.operating import parked_http
from shared.operating.parking import ParkingLot
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("notifier")
    hub = Hub(database, runtime.media_signer)
    listening = Listening(hub)
    routes = http.routes.given(http.Parts(database, hub, runtime.actor_seal, time.time))
    routes.at_shutdown(hub.close)
    lot = ParkingLot(database, runtime.bus, queues_of("notifier"), NotifierMaintained)

    return Service(
        "notifier",
        routes=[routes, parked_http.routes.given(lot)],
        subscriptions=[numbering(database, runtime.bus, runtime.new_id)],
        listeners={EventsStored: listening.on_stored, AssetProgressed: listening.on_progress},
        loops=[
            Loop("notifier-fan-out", hub.run),
            Loop("notifier-prune", partial(keep_pruning, database)),
            Loop("notifier-parking", lot.run),
        ],
        checks=[Check("database", database.reachable, critical=True)],
    )
