"""The wiring of ``gateway``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

from services.gateway import media, own
from services.gateway.assets import AssetPage
from services.gateway.authentication import Authenticator
from services.gateway.console import Console
from services.gateway.credentials import Credentials
from services.gateway.documents import Documents
from services.gateway.entry import Entry
from services.gateway.http import Doors, routes
from services.gateway.identity import Identity
from services.gateway.keys import KeyRing
from services.gateway.operating import Doorkeeper, Home, Inside
from services.gateway.origins import Origins
from services.gateway.proxy import Proxy
from services.gateway.settings import GatewaySettings
from services.gateway.sockets import Sockets
from services.gateway.table import SERVICES
from services.gateway.turnstile import Turnstile
from services.gateway.upstream import Upstream
from services.gateway.whence import Proxies
from shared.contracts.identity import CredentialRevoked
from shared.runtime.service import Loop, Runtime, Service
from shared.web import Check
from shared.web.csrf import PURPOSE, CsrfTokens


def build(runtime: Runtime) -> Service:
    """Put the service together."""
    upstream = Upstream(runtime.peers)
    identity = Identity(upstream, runtime.actor_seal, time.time)
    credentials = Credentials(identity.live, time.monotonic)
    origins = Origins(runtime.settings.public_url, runtime.settings.allowed_origins)
    authenticator = Authenticator(
        ring=KeyRing(partial(upstream.json, "identity", "/.well-known/jwks.json"), time.monotonic),
        identity=identity,
        credentials=credentials,
        origins=origins,
        csrf=CsrfTokens(runtime.keys.derive(PURPOSE)),
        seal=runtime.actor_seal,
        now=time.time,
    )
    doors = _doors(runtime, upstream, authenticator, credentials, origins)
    return Service(
        "gateway",
        routes=routes(doors, media.Parts(runtime.blobs, runtime.media_signer, time.time)),
        checks=[Check(name, partial(upstream.ready, name)) for name in SERVICES],
        listeners={CredentialRevoked: credentials.on_revoked},
        loops=[Loop("gateway-credentials", credentials.run)],
        on_start=[upstream.open],
        on_stop=[upstream.close],
    )


def _doors(
    runtime: Runtime,
    upstream: Upstream,
    authenticator: Authenticator,
    credentials: Credentials,
    origins: Origins,
) -> Doors:
    settings = GatewaySettings.load()
    turnstile = Turnstile(settings.rates)
    proxy = Proxy(upstream, authenticator, turnstile)
    return Doors(
        proxies=Proxies(runtime.settings.trusted_proxies),
        origins=origins,
        proxy=proxy,
        entry=Entry(proxy, origins),
        asset_page=AssetPage(upstream, authenticator),
        sockets=Sockets(upstream, authenticator, credentials, turnstile),
        documents=Documents(upstream, own.document(), time.monotonic),
        doorkeeper=Doorkeeper(authenticator),
        inside=Inside(upstream, _home(runtime)),
        console=Console(settings.console_dir, runtime.settings.s3_public_endpoint),
    )


def _home(runtime: Runtime) -> Home:
    data_dir = runtime.settings.data_dir
    blobs = None if runtime.settings.s3_bucket else data_dir / "blobs"
    return Home(datetime.now(UTC), data_dir, blobs)
