"""The HTTP side of ``converter``."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from aiohttp import web
from asyncpg import Record

from services.converter import jobs, orders, queries
from services.converter.attempt import LOG_TYPE
from services.converter.domain.probe import (
    Encrypted,
    NotIsoMedia,
    NoVideo,
    TooManyPixels,
    Truncated,
    Undecodable,
)
from services.converter.domain.status import IllegalTransition
from services.converter.intake import Intake
from services.converter.resumable.http import routes as upload_routes
from services.converter.upload import FIELD, EmptyUpload, TooLarge, UploadStalled
from services.converter.views import AssetQuery, AssetsQuery, AssetView, UploadQuery
from shared.blobs.port import BlobNotFound, Blobs
from shared.blobs.signing import MediaSigner
from shared.contracts.converter import (
    WITHDRAWN,
    AssetInUse,
    AssetNotFound,
    RestorationUnderWay,
)
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx
from shared.web import Answer, Call, Media, Page, Routes

__all__ = ["Parts", "routes", "upload_routes"]

FORM = {
    "type": "object",
    "required": [FIELD],
    "properties": {
        FIELD: {"type": "string", "format": "binary"},
        "title": {"type": "string", "maxLength": 200},
    },
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes work with."""

    database: Database
    intake: Intake
    signer: MediaSigner
    blobs: Blobs


class LogNotFound(Refusal):
    """Nothing was converted for this asset yet, or what there was needed no work."""

    code = "log_not_found"
    status = 404
    title = "No conversion log"


routes = Routes("Assets")


@routes.post(
    "/api/admin/assets",
    answers={201: AssetView},
    refusals=[
        *(EmptyUpload, TooLarge, UploadStalled, NotIsoMedia, Truncated, Encrypted, NoVideo),
        *(TooManyPixels, Undecodable),
    ],
    accepts=[
        Media("multipart/form-data", schema=FORM),
        Media("video/mp4", schema={"type": "string", "format": "binary"}),
    ],
    idempotent=True,
)
async def upload_asset(call: Call[Parts], query: UploadQuery) -> Answer:
    """Upload a video, to be converted.

    Send a form with the field ``file`` and, if you like, ``title``; or the bytes alone, as
    ``video/mp4`` with ``?filename=``.
    """

    def created(row: Record) -> Answer:
        location = {"Location": f"/api/admin/assets/{row['id']}"}
        return Answer(201, AssetView.of(row, call.parts.signer), location)

    return await call.parts.intake.take(call, created, filename=query.filename, title=query.title)


@routes.get("/api/admin/assets")
async def list_assets(call: Call[Parts], query: AssetsQuery) -> Page[AssetView]:
    """List assets, newest first."""
    async with call.parts.database.transaction(call.context) as tx:
        found = await queries.assets(
            tx,
            limit=query.limit + 1,
            before=query.cursor,
            status=query.status,
            query=query.query,
            deleted=query.deleted,
        )
    views = [AssetView.of(row, call.parts.signer) for row in found]
    return Page[AssetView].of(views, query.limit, lambda view: (view.created_at, view.id))


@routes.get("/api/admin/assets/{asset_id}", refusals=[AssetNotFound], tagged=True)
async def show_asset(call: Call[Parts], asset_id: UUID, query: AssetQuery) -> AssetView:
    """Show an asset."""
    async with call.parts.database.transaction(call.context) as tx:
        row = await queries.asset(tx, asset_id, deleted=query.deleted)
    return AssetView.of(row, call.parts.signer)


@routes.post(
    "/api/admin/assets/{asset_id}/retry-conversion",
    answers={202: AssetView},
    refusals=[AssetNotFound, IllegalTransition],
    idempotent=True,
)
async def retry_conversion(call: Call[Parts], asset_id: UUID) -> Answer:
    """Convert an asset again whose conversion failed."""

    async def command(tx: Tx) -> Answer:
        await orders.retry(tx, asset_id)
        return Answer(202, AssetView.of(await queries.asset(tx, asset_id), call.parts.signer))

    return await call.once(call.parts.database, command)


@routes.post(
    "/api/admin/assets/{asset_id}/cancel-conversion",
    answers={202: AssetView},
    refusals=[AssetNotFound, IllegalTransition],
    idempotent=True,
)
async def cancel_conversion(call: Call[Parts], asset_id: UUID) -> Answer:
    """Cancel a conversion that waits or runs.

    It ends at once, as failed, with the code ``cancelled``; what works on it, within 2 seconds.
    """

    async def command(tx: Tx) -> Answer:
        await orders.cancel(tx, asset_id)
        return Answer(202, AssetView.of(await queries.asset(tx, asset_id), call.parts.signer))

    return await call.once(call.parts.database, command)


@routes.post(
    "/api/admin/assets/{asset_id}/restore",
    answers={200: AssetView},
    refusals=[AssetNotFound],
    idempotent=True,
)
async def restore_asset(call: Call[Parts], asset_id: UUID) -> Answer:
    """Bring a deleted asset back, with all its files, so that it can be assigned again."""

    async def command(tx: Tx) -> Answer:
        await orders.restore(tx, asset_id)
        return Answer(200, AssetView.of(await queries.asset(tx, asset_id), call.parts.signer))

    return await call.once(call.parts.database, command)


@routes.delete(
    "/api/admin/assets/{asset_id}", refusals=[AssetNotFound, AssetInUse, RestorationUnderWay]
)
async def delete_asset(call: Call[Parts], asset_id: UUID) -> None:
    """Delete an asset that nobody has.

    Its conversion is cancelled. It is shown only to those who ask for deleted assets; its files
    and its history are kept.
    """
    nothing_promised = -1
    withdrawn = int(call.request.headers.get(WITHDRAWN, nothing_promised))
    async with call.parts.database.transaction(call.context) as tx:
        await orders.delete(tx, asset_id, withdrawn=withdrawn)


@routes.get(
    "/api/admin/assets/{asset_id}/conversion-log",
    answers={200: Media("text/plain")},
    refusals=[AssetNotFound, LogNotFound],
)
async def show_conversion_log(call: Call[Parts], asset_id: UUID) -> web.Response:
    """Show what ffmpeg said in the last attempt to convert an asset."""
    async with call.parts.database.transaction(call.context) as tx:
        await queries.asset(tx, asset_id)
        key = (await jobs.origin(tx, asset_id)).log_key
    absent = LogNotFound(f"There is no log of a conversion of asset {asset_id}.")
    if key is None:
        raise absent
    try:
        async with call.parts.blobs.read(key) as download:
            content = b"".join([chunk async for chunk in download.chunks])
    except BlobNotFound:
        raise absent from None
    return web.Response(body=content, headers={"Content-Type": LOG_TYPE})
