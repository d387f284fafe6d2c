"""The web console: its page and the files it is made of, as ``services/console`` built them.

Files under ``/static`` have a hash of their content in their names, so that browsers may keep them
for ever; the page, which names them, is asked for every time. Both lie there compressed already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import hdrs, web

BUNDLE = Path(__file__).parents[1] / "console" / "dist"

SECTIONS = ("assets", "users", "operations", "audit", "system")
"""What the addresses of the console's own pages begin with; nothing else leads to it."""

PAGES = (
    "/",
    f"/{{section:{'|'.join(SECTIONS)}}}",
    f"/{{section:{'|'.join(SECTIONS)}}}/{{rest:.+}}",
)

TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
ROOT_FILES = ("favicon.svg", "favicon.ico", "theme.js")
"""Files with a name that does not change."""

_FILE_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")

_MISSING = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Marquee: no console</title>
<body style="font: 16px/1.6 system-ui; max-width: 40em; margin: 15vh auto; padding: 0 1em">
<h1>The web console has not been built</h1>
<p>Its bundle, <code>services/console/dist</code>, is missing. <code>make console</code> builds
it with Node.js 20.19 or newer, and says what keeps it from doing so; then reload this page.
Nothing has to be restarted.</p>
<p>Everything else works: the API is described at <a href="/docs">/docs</a>.</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Console:
    """Serves a bundle; ``media`` is where videos and pictures come from besides here."""

    bundle: Path
    media: str | None = None

    @property
    def policy(self) -> str:
        """What the page may load: nothing from elsewhere but media, and no scripts but its own."""
        media = f"'self' {_origin(self.media)}" if self.media else "'self'"
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self' 'unsafe-inline'",
                f"img-src {media} data:",
                f"media-src {media}",
                "font-src 'self'",
                "connect-src 'self'",
                "manifest-src 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            )
        )

    async def page(self, _: web.Request) -> web.StreamResponse:
        """The one page; what it shows is decided by its script, from the address."""
        if not (self.bundle / "index.html").is_file():
            return web.Response(
                status=503,
                body=_MISSING,
                headers={hdrs.CONTENT_TYPE: TYPES[".html"], **_styled("'unsafe-inline'")},
            )
        headers = {
            "Content-Security-Policy": self.policy,
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        return self._file("index.html", "no-cache", headers)

    async def static(self, request: web.Request) -> web.StreamResponse:
        """A file whose name has a hash of its content."""
        return self._named(f"static/{_plain(request)}", "public, max-age=31536000, immutable")

    async def root_file(self, request: web.Request) -> web.StreamResponse:
        """A file whose name does not change."""
        return self._named(_plain(request), "public, max-age=3600")

    def _named(self, name: str, cache: str) -> web.StreamResponse:
        if Path(name).suffix not in TYPES or not (self.bundle / name).is_file():
            raise web.HTTPNotFound
        return self._file(name, cache, {})

    def _file(self, name: str, cache: str, headers: dict[str, str]) -> web.StreamResponse:
        """The file, or its compressed twin if the browser takes that."""
        kind = TYPES[Path(name).suffix]
        told = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: cache, **headers}
        return web.FileResponse(self.bundle / name, headers=told)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _plain(request: web.Request) -> str:
    """The name asked for, which is one of a file and no path."""
    name = request.match_info["name"]
    if not _FILE_NAME.fullmatch(name):
        raise web.HTTPNotFound
    return name


def _styled(source: str) -> dict[str, str]:
    policy = f"default-src 'none'; style-src {source}; frame-ancestors 'none'"
    return {"Content-Security-Policy": policy}
