"""The wiring of ``assignment``."""

from __future__ import annotations

from services.assignment import consumers, http
from services.assignment.parts import Parts
from services.assignment.projector import Projector
from services.assignment.settings import AssignmentSettings
from services.assignment.sweeper import Sweeper
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("assignment")
    projector, sweeper = Projector(database), Sweeper(database)
    parts = Parts(database, projector, AssignmentSettings.load())
    return Service(
        "assignment",
        routes=[routes.given(parts) for routes in http.ROUTES],
        subscriptions=[consumers.subscription(database)],
        loops=[
            Loop("assignment-projector", projector.run),
            Loop("assignment-sweeper", sweeper.run),
        ],
        checks=[Check("database", database.reachable, critical=True)],
    )
