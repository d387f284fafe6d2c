"""The wiring of ``notifier``."""

from __future__ import annotations

import time
from functools import partial

from services.notifier import doctoring, http
from services.notifier.consumers import Listening, numbering
from services.notifier.crowd import Crowd
from services.notifier.doorway import Doorway
from services.notifier.hub import Hub
from services.notifier.pruner import keep_pruning
from services.notifier.settings import NotifierSettings
from shared.contracts.converter import AssetProgressed
from shared.contracts.identity import CredentialRevoked
from shared.contracts.maintenance import NotifierMaintained
from shared.contracts.notifier import EventsStored
from shared.contracts.topology import queues_of
from shared.entrance.entrance import Entrance
from shared.operating import doctor, parked_http
from shared.operating.parking import ParkingLot
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check
from shared.web.application import Gate


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("notifier")
    hub = Hub(database, runtime.media_signer)
    listening = Listening(hub)
    settings = NotifierSettings.load()
    crowd = Crowd(per_user=settings.sockets_per_user, per_tenant=settings.sockets_per_tenant)
    entrance = Entrance.of(runtime)
    parts = http.Parts(database, hub, crowd, entrance.credentials, time.time)
    live = http.live.given(parts).behind(Doorway(Gate(runtime.actor_seal), entrance).admit)
    live.at_shutdown(hub.close)
    lot = ParkingLot(database, runtime.bus, queues_of("notifier"), NotifierMaintained)

    return Service(
        "notifier",
        routes=[
            live,
            http.routes.given(parts),
            parked_http.routes.given(lot),
            doctor.routes.given(doctoring.practice(database, runtime.bus)),
        ],
        subscriptions=[numbering(database, runtime.bus, runtime.new_id)],
        listeners={
            EventsStored: listening.on_stored,
            AssetProgressed: listening.on_progress,
            CredentialRevoked: entrance.credentials.on_revoked,
        },
        loops=[
            Loop("notifier-fan-out", hub.run),
            Loop("notifier-prune", partial(keep_pruning, database)),
            Loop("notifier-parking", lot.run),
            Loop("notifier-credentials", entrance.credentials.run),
        ],
        on_start=[entrance.upstream.open],
        on_stop=[entrance.upstream.close],
        checks=[Check("database", database.reachable, critical=True)],
    )
