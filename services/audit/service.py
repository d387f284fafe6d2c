"""The wiring of ``audit``."""

from __future__ import annotations

from services.audit import consumers, http
from services.audit.copies import Copies
from services.audit.notary import Notary
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    database = runtime.database("audit")
    copies = Copies(runtime.blobs, runtime.work_dir / "audit")
    notary = Notary(database, copies, runtime.keys.audit_key)
    parts = http.Parts(database, runtime.media_signer, notary)
    return Service(
        "audit",
        routes=[http.routes.given(parts)],
        subscriptions=[consumers.subscription(database)],
        loops=[Loop("audit-notary", notary.run)],
        checks=[Check("database", database.reachable, critical=True)],
    )
