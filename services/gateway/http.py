"""The gateway's routes: the table, and what the gateway answers itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from services.gateway import asyncapi, docs_page, media, operating, own
from services.gateway.assets import AssetPage
from services.gateway.console import PAGES, ROOT_FILES, Console
from services.gateway.documents import Documents
from services.gateway.entry import Entry
from services.gateway.proxy import Proxy, keep_waiting
from services.gateway.sockets import Sockets
from services.gateway.table import ASSET, ASSET_DELETION, BULK, FORWARDED, LOGIN, LOGOUT, WEBSOCKET
from shared.entrance.origins import Origins
from shared.entrance.whence import Proxies
from shared.web import Routes


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything that answers."""

    proxies: Proxies
    origins: Origins
    proxy: Proxy
    entry: Entry
    asset_page: AssetPage
    sockets: Sockets
    documents: Documents
    doorkeeper: operating.Doorkeeper
    inside: operating.Inside
    console: Console


def routes(doors: Doors, media_parts: media.Parts) -> list[Routes]:
    """All routes of the gateway."""
    through = Routes("Gateway")
    through.around(doors.proxies.middleware)
    through.around(doors.origins.preflight)
    through.finish(doors.origins.finish)
    for admitted in FORWARDED:
        _add(through, admitted.method, admitted.path, doors.proxy.handler(admitted))
    _add(through, hdrs.METH_ANY, BULK.path, _only(BULK.method))
    _add(through, LOGIN.method, LOGIN.path, doors.entry.log_in)
    _add(through, LOGOUT.method, LOGOUT.path, doors.entry.log_out)
    _add(through, ASSET.method, ASSET.path, doors.asset_page.show)
    _add(through, ASSET_DELETION.method, ASSET_DELETION.path, doors.asset_page.delete)
    through.raw(web.route(WEBSOCKET.method, WEBSOCKET.path, doors.sockets.connect))
    _add(through, hdrs.METH_GET, "/openapi.json", doors.documents.openapi)
    _add(through, hdrs.METH_GET, "/asyncapi.json", asyncapi.show)
    _add(through, hdrs.METH_GET, "/docs", docs_page.page)
    _add(through, hdrs.METH_GET, "/docs/{name}", docs_page.page_file)
    _add_console(through, doors.console)
    through.at_shutdown(doors.sockets.close_all)
    return [
        through,
        media.routes.given(media_parts),
        own.routes.given(doors.documents),
        *(group.given(doors.inside).behind(doors.doorkeeper.admit) for group in operating.GROUPS),
    ]


def _add_console(group: Routes, console: Console) -> None:
    for path in PAGES:
        group.raw(web.get(path, console.page))
    group.raw(web.get("/static/{name}", console.static))
    group.raw(web.get(f"/{{name:{'|'.join(map(re.escape, ROOT_FILES))}}}", console.root_file))


def _only(method: str) -> Handler:
    """Refuses what a literal path does not take, before a template takes it for an id."""

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, [method])

    return refuse


def _add(group: Routes, method: str, path: str, handler: Handler) -> None:
    group.raw(web.route(method, path, handler, expect_handler=keep_waiting))
