"""The entrance of a process, put together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from shared.entrance.authentication import Authenticator
from shared.entrance.credentials import Credentials
from shared.entrance.identity import Identity
from shared.entrance.keys import KeyRing
from shared.entrance.origins import Origins
from shared.entrance.settings import EntranceSettings
from shared.entrance.sockets import SocketDoor
from shared.entrance.upstream import Upstream
from shared.entrance.whence import Proxies
from shared.runtime.service import Runtime
from shared.web.csrf import PURPOSE, CsrfTokens


@dataclass(frozen=True, slots=True)
class Entrance:
    """What lets people in.

    Its service opens and closes ``upstream``, runs ``credentials``, and lets them hear of
    CredentialRevoked.
    """

    upstream: Upstream
    credentials: Credentials
    proxies: Proxies
    origins: Origins
    authenticator: Authenticator
    sockets: SocketDoor

    @classmethod
    def of(cls, runtime: Runtime) -> Entrance:
        """That of a service. Raises SettingsError."""
        settings = runtime.settings
        upstream = Upstream(runtime.peers)
        identity = Identity(upstream, runtime.actor_seal, time.time)
        credentials = Credentials(identity.live, time.monotonic)
        origins = Origins(settings.public_url, settings.allowed_origins)
        published = partial(upstream.json, "identity", "/.well-known/jwks.json")
        authenticator = Authenticator(
            ring=KeyRing(published, time.monotonic),
            identity=identity,
            credentials=credentials,
            origins=origins,
            csrf=CsrfTokens(runtime.keys.derive(PURPOSE)),
            seal=runtime.actor_seal,
            now=time.time,
        )
        return cls(
            upstream=upstream,
            credentials=credentials,
            proxies=Proxies(settings.trusted_proxies),
            origins=origins,
            authenticator=authenticator,
            sockets=SocketDoor(authenticator, EntranceSettings.load().socket_rate),
        )
