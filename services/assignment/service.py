"""The wiring of ``assignment``."""

from __future__ import annotations

from services.assignment import consumers, http
from services.assignment import restating as holdings
from services.assignment.parts import Parts
from services.assignment.projector import Projector
from services.assignment.settings import AssignmentSettings
from services.assignment.sweeper import Sweeper
from shared.contracts.maintenance import AssignmentMaintained
from shared.contracts.topology import queues_of
from shared.operating import parked_http, restating
from shared.operating.parking import ParkingLot
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("assignment")
    projector, sweeper = Projector(database), Sweeper(database)
    parts = Parts(database, projector, AssignmentSettings.load())
    lot = ParkingLot(database, runtime.bus, queues_of("assignment"), AssignmentMaintained)
    return Service(
        "assignment",
        routes=[
            *(routes.given(parts) for routes in http.ROUTES),
            parked_http.routes.given(lot),
            restating.routes.given(holdings.restating(database)),
        ],
        subscriptions=[consumers.subscription(database)],
        loops=[
            Loop("assignment-projector", projector.run),
            Loop("assignment-sweeper", sweeper.run),
            Loop("assignment-parking", lot.run),
        ],
        checks=[Check("database", database.reachable, critical=True)],
    )
