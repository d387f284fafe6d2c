"""A page to read the API documents and try them, offline: nothing comes from elsewhere."""

from __future__ import annotations

from aiohttp import web
from openapi_ui_bundles import swagger_ui

_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Marquee API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
});
"""

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


async def page(_: web.Request) -> web.Response:
    """The documents to read and to try, without anything from elsewhere."""
    headers = {"Content-Security-Policy": _PAGE_POLICY}
    return web.Response(body=_PAGE, content_type="text/html", charset="utf-8", headers=headers)


async def page_file(request: web.Request) -> web.StreamResponse:
    """A file the page needs."""
    name = request.match_info["name"]
    if name == "start.js":
        return web.Response(body=_START, content_type="text/javascript", charset="utf-8")
    if name not in _FILES:
        raise web.HTTPNotFound
    headers = {"Content-Type": _FILES[name], "Cache-Control": "public, max-age=86400"}
    return web.FileResponse(swagger_ui.static_path / name, headers=headers)
