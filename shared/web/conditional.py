"""Answers a client has already, told by their tag (RFC 9110, sections 8.8.3 and 13.1.2)."""

from __future__ import annotations

import hashlib

from aiohttp import hdrs, web


def unless_known(request: web.Request, answer: web.Response) -> web.Response:
    """The answer with the tag of its body; without the body, if the client named that tag."""
    assert isinstance(answer.body, bytes)
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {hdrs.ETAG: tag, hdrs.CACHE_CONTROL: "private, no-cache"}
    if _names(request.headers.get(hdrs.IF_NONE_MATCH, ""), tag):
        return web.Response(status=304, headers=headers)
    answer.headers.update(headers)
    return answer


def _names(given: str, tag: str) -> bool:
    """Compared weakly: a proxy that packs bodies marks our tags as weak."""
    return given.strip() == "*" or tag in (
        each.strip().removeprefix("W/") for each in given.split(",")
    )
