"""The wiring of ``identity``."""

from __future__ import annotations

import asyncio
from functools import partial

from services.identity import doctoring, http, vault
from services.identity import restating as people
from services.identity.announcing import Announcer
from services.identity.first import ensure_first_administrator
from services.identity.settings import IdentitySettings
from services.identity.tokens import TokenSigner
from shared.db import Database
from shared.operating import doctor, restating
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check
from shared.web.csrf import PURPOSE, CsrfTokens
from shared.web.limits import RateLimiter

_HOUR = 3600.0


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    settings = IdentitySettings.load()
    database = runtime.database("identity")
    parts = http.Parts(
        database=database,
        signer=TokenSigner(runtime.keys.signing_key("identity-signing-key")),
        new_id=runtime.new_id,
        csrf=CsrfTokens(runtime.keys.derive(PURPOSE)),
        announcer=Announcer(runtime.bus, runtime.new_id),
        limiter=RateLimiter(),
        login_rate=settings.login_rate,
        login_address_rate=settings.login_address_rate,
    )

    async def first_administrator() -> None:
        await ensure_first_administrator(database, settings, runtime.settings.data_dir)

    return Service(
        "identity",
        routes=[
            http.routes.given(parts),
            restating.routes.given(people.restating(database)),
            doctor.routes.given(doctoring.practice(database)),
        ],
        checks=[Check("database", database.reachable, critical=True)],
        loops=[Loop("identity-forget", partial(_keep_forgetting, database))],
        on_start=[first_administrator],
    )


async def _keep_forgetting(database: Database) -> None:
    """Delete once an hour what has expired."""
    while True:
        async with database.system_transaction() as tx:
            await vault.forget_expired(tx)
        await asyncio.sleep(_HOUR)
