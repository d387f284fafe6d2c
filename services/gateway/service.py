"""The wiring of ``gateway``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

from services.gateway import media, own
from services.gateway.assets import AssetPage
from services.gateway.console import Console
from services.gateway.documents import Documents
from services.gateway.entry import Entry
from services.gateway.http import Doors, routes
from services.gateway.operating import Doorkeeper, Home, Inside
from services.gateway.proxy import Proxy
from services.gateway.settings import GatewaySettings
from services.gateway.sockets import Sockets
from services.gateway.table import SERVICES
from services.gateway.turnstile import Turnstile
from shared.contracts.identity import CredentialRevoked
from shared.entrance.entrance import Entrance
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    entrance = Entrance.of(runtime)
    upstream, credentials = entrance.upstream, entrance.credentials
    doors = _doors(runtime, entrance)
    return Service(
        "gateway",
        routes=routes(doors, media.Parts(runtime.blobs, runtime.media_signer, time.time)),
        checks=[Check(name, partial(upstream.ready, name)) for name in SERVICES],
        listeners={CredentialRevoked: credentials.on_revoked},
        loops=[Loop("gateway-credentials", credentials.run)],
        on_start=[upstream.open],
        on_stop=[upstream.close],
    )


def _doors(runtime: Runtime, entrance: Entrance) -> Doors:
    settings = GatewaySettings.load()
    upstream, authenticator = entrance.upstream, entrance.authenticator
    proxy = Proxy(upstream, runtime.nearby, authenticator, Turnstile(settings.rates))
    return Doors(
        proxies=entrance.proxies,
        origins=entrance.origins,
        proxy=proxy,
        entry=Entry(proxy, entrance.origins),
        asset_page=AssetPage(upstream, authenticator),
        sockets=Sockets(upstream, entrance.sockets, entrance.credentials),
        documents=Documents(upstream, own.document(), time.monotonic),
        doorkeeper=Doorkeeper(authenticator),
        inside=Inside(upstream, _home(runtime)),
        console=Console(settings.console_dir, runtime.settings.s3_public_endpoint),
    )


def _home(runtime: Runtime) -> Home:
    data_dir = runtime.settings.data_dir
    blobs = None if runtime.settings.s3_bucket else data_dir / "blobs"
    return Home(datetime.now(UTC), data_dir, blobs)
