"""Asking the converter over HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient, TestServer

from services.converter import http
from services.converter.incoming import Broom
from services.converter.intake import Intake
from services.converter.probing.prober import Prober
from services.converter.tests.studio import ADMIN, Studio
from shared.blobs.signing import MediaSigner
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

SIGNER = MediaSigner(b"media", time.time)
ASSETS = "/api/admin/assets"

Client = TestClient[Any, Any]


def intake(studio: Studio, limit: int) -> Intake:
    """What takes uploads of at most so many bytes."""
    return Intake(
        database=studio.database,
        blobs=studio.blobs,
        scratch=studio.scratch,
        sandbox=studio.sandbox,
        prober=Prober(studio.sandbox, budget=10),
        broom=Broom(studio.database, studio.blobs),
        new_id=new_id,
        limit=limit,
    )


def form(content: bytes, filename: str = "film.mp4", **fields: str) -> aiohttp.FormData:
    """An upload by form."""
    data = aiohttp.FormData(fields, quote_fields=False)
    data.add_field("file", content, filename=filename, content_type="video/mp4")
    return data


@asynccontextmanager
async def serving(studio: Studio, limit: int) -> AsyncIterator[Client]:
    """The routes, with an administrator who asks them."""
    parts = http.Parts(studio.database, intake(studio, limit), SIGNER, studio.blobs)
    server = TestServer(application("converter", [http.routes.given(parts)], seal=SEAL))
    async with TestClient(server, headers=signed(actor=ADMIN)) as client:
        yield client
