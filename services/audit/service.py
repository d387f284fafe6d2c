"""The wiring of ``audit``."""

from __future__ import annotations

from services.audit import consumers, http, state
from services.audit.copies import Copies
from services.audit.notary import Notary
from shared.contracts.maintenance import AuditMaintained
from shared.contracts.topology import queues_of
from shared.operating import parked_http
from shared.operating.parking import ParkingLot
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("audit")
    copies = Copies(runtime.blobs, runtime.work_dir / "audit")
    notary = Notary(database, copies, runtime.keys.audit_key)
    parts = http.Parts(database, runtime.media_signer, notary)
    lot = ParkingLot(database, runtime.bus, queues_of("audit"), AuditMaintained)
    return Service(
        "audit",
        routes=[
            http.routes.given(parts),
            state.routes.given(state.State(database, notary)),
            parked_http.routes.given(lot),
        ],
        subscriptions=[consumers.subscription(database)],
        loops=[Loop("audit-notary", notary.run), Loop("audit-parking", lot.run)],
        checks=[Check("database", database.reachable, critical=True)],
    )
