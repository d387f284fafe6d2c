"""The session cookie of browsers.

Source: RFC 6265bis (cookie prefixes, SameSite).
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from aiohttp import web

from shared.entrance.whence import whence

PLAIN, OVER_TLS = "marquee_session", "__Host-marquee_session"


class _Manner(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["Strict"]


def shown(request: web.Request) -> str | None:
    """The token in the cookie; over TLS only in one that no plain answer can have set."""
    return request.cookies.get(_name(request))


def leave(request: web.Request, answer: web.Response, signed_in: dict[str, Any]) -> None:
    """Leave the token of somebody who signed in with their browser, as long as it lasts."""
    token, seconds = signed_in["access_token"], signed_in["expires_in"]
    answer.set_cookie(_name(request), token, max_age=seconds, **_manner(request))


def take_back(request: web.Request, answer: web.Response) -> None:
    """Let the browser forget it."""
    answer.del_cookie(_name(request), **_manner(request))


def _name(request: web.Request) -> str:
    return OVER_TLS if whence(request).secure else PLAIN


def _manner(request: web.Request) -> _Manner:
    secure = whence(request).secure
    return {"path": "/", "secure": secure, "httponly": True, "samesite": "Strict"}
