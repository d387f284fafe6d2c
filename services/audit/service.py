"""The wiring of ``audit``."""

from __future__ import annotations

from services.audit import consumers, doctoring, http, state
from services.audit.archivist import Archivist
from services.audit.copies import Copies
from services.audit.notary import Notary
from services.audit.parts import Parts
from services.audit.settings import AuditSettings
from services.audit.shelf import Shelf
from shared.contracts.maintenance import AuditMaintained
from shared.contracts.topology import queues_of
from shared.operating import doctor, parked_http
from shared.operating.parking import ParkingLot
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("audit")
    copies = Copies(runtime.blobs, runtime.work_dir / "audit")
    notary = Notary(database, copies, runtime.keys.audit_key)
    shelf = Shelf(runtime.blobs, runtime.work_dir / "audit")
    retention = AuditSettings.load().retention
    archivist = Archivist(database, notary, shelf, retention)
    parts = Parts(database, runtime.media_signer, notary, shelf, retention)
    lot = ParkingLot(database, runtime.bus, queues_of("audit"), AuditMaintained)
    return Service(
        "audit",
        routes=[
            *(routes.given(parts) for routes in http.ROUTES),
            state.routes.given(state.State(database, notary)),
            parked_http.routes.given(lot),
            doctor.routes.given(doctoring.practice(database, runtime.bus, notary)),
        ],
        subscriptions=[consumers.subscription(database)],
        loops=[
            Loop("audit-notary", notary.run),
            Loop("audit-archivist", archivist.run),
            Loop("audit-parking", lot.run),
        ],
        checks=[Check("database", database.reachable, critical=True)],
    )
