"""The wiring of ``audit``."""

from __future__ import annotations

from services.audit import consumers, http
from services.audit.archivist import Archivist
from services.audit.copies import Copies
from services.audit.notary import Notary
from services.audit.parts import Parts
from services.audit.settings import AuditSettings
from services.audit.shelf import Shelf
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
    return Service(
        "audit",
        routes=[routes.given(parts) for routes in http.ROUTES],
        subscriptions=[consumers.subscription(database)],
        loops=[Loop("audit-notary", notary.run), Loop("audit-archivist", archivist.run)],
        checks=[Check("database", database.reachable, critical=True)],
    )
