"""Every route that the outside may reach. What is not in this table does not exist for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.web.access import Access

Service = Literal["assignment", "audit", "converter", "identity", "notifier"]
Limited = Literal["uploads", "bulk assignments"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A method and path template, the service that answers, who may ask, and what it counts as."""

    method: str
    path: str
    service: Service
    access: Access = "admin"
    limited: Limited | None = None


WEBSOCKET = Admitted("GET", "/ws", "notifier", "user")
LOGIN = Admitted("POST", "/api/auth/login", "identity", "public")
LOGOUT = Admitted("POST", "/api/auth/logout", "identity", "user")
ASSET = Admitted("GET", "/api/admin/assets/{id}", "converter")
ASSET_DELETION = Admitted("DELETE", "/api/admin/assets/{id}", "converter")
BULK = Admitted("POST", "/api/admin/assets/bulk-assign", "assignment", limited="bulk assignments")
RETRY = Admitted(
    "POST", "/api/admin/operations/{id}/retry", "assignment", limited="bulk assignments"
)

FORWARDED = (
    Admitted("GET", "/api/auth/session", "identity", "public"),
    Admitted("POST", "/api/auth/ws-ticket", "identity", "user"),
    Admitted("GET", "/.well-known/jwks.json", "identity", "public"),
    Admitted("POST", "/api/admin/users", "identity"),
    Admitted("GET", "/api/admin/users", "identity"),
    Admitted("GET", "/api/admin/users/{id}", "identity"),
    Admitted("PATCH", "/api/admin/users/{id}", "identity"),
    Admitted("POST", "/api/admin/api-keys", "identity"),
    Admitted("GET", "/api/admin/api-keys", "identity"),
    Admitted("DELETE", "/api/admin/api-keys/{id}", "identity"),
    Admitted("POST", "/api/admin/tenants", "identity", "operator"),
    Admitted("GET", "/api/admin/tenants", "identity", "operator"),
    Admitted("GET", "/api/admin/tenants/{id}", "identity", "operator"),
    Admitted("PATCH", "/api/admin/tenants/{id}", "identity", "operator"),
    Admitted("GET", "/api/admin/users/{id}/assignment", "assignment"),
    Admitted("GET", "/api/admin/users/{id}/assignment-history", "audit"),
    Admitted("GET", "/api/admin/audit", "audit"),
    Admitted("GET", "/api/admin/audit/export", "audit"),
    Admitted("GET", "/api/admin/audit/verify", "audit"),
    Admitted("GET", "/api/admin/audit/retention", "audit"),
    Admitted("GET", "/api/admin/audit/archives", "audit"),
    Admitted("GET", "/api/admin/audit/archives/{id}", "audit"),
    Admitted("POST", "/api/admin/audit/holds", "audit"),
    Admitted("GET", "/api/admin/audit/holds", "audit"),
    Admitted("GET", "/api/admin/audit/holds/{id}", "audit"),
    Admitted("DELETE", "/api/admin/audit/holds/{id}", "audit"),
    Admitted("POST", "/api/admin/audit/restorations", "audit"),
    Admitted("GET", "/api/admin/audit/restorations", "audit"),
    Admitted("GET", "/.well-known/audit-key", "audit", "public"),
    Admitted("POST", "/api/admin/assets", "converter", limited="uploads"),
    Admitted("GET", "/api/admin/assets", "converter"),
    Admitted("OPTIONS", "/api/admin/uploads", "converter", "public"),
    Admitted("POST", "/api/admin/uploads", "converter", limited="uploads"),
    Admitted("OPTIONS", "/api/admin/uploads/{id}", "converter", "public"),
    Admitted("GET", "/api/admin/uploads/{id}", "converter"),
    Admitted("PATCH", "/api/admin/uploads/{id}", "converter"),
    Admitted("DELETE", "/api/admin/uploads/{id}", "converter"),
    Admitted("POST", "/api/admin/uploads/{id}", "converter"),
    Admitted("POST", "/api/admin/assets/{id}/retry-conversion", "converter"),
    Admitted("POST", "/api/admin/assets/{id}/cancel-conversion", "converter"),
    Admitted("GET", "/api/admin/assets/{id}/conversion-log", "converter"),
    Admitted("POST", "/api/admin/assets/{id}/restore", "converter"),
    Admitted("POST", "/api/admin/assets/{id}/assign", "assignment"),
    Admitted("POST", "/api/admin/assets/{id}/undo-assign", "assignment"),
    Admitted("POST", "/api/admin/users/{id}/revert-assignment", "assignment"),
    Admitted("GET", "/api/me/assignment", "assignment", "user"),
    Admitted("GET", "/api/admin/assignments", "assignment"),
    Admitted("GET", "/api/admin/operations", "assignment"),
    Admitted("GET", "/api/admin/operations/{id}", "assignment"),
    Admitted("POST", "/api/admin/operations/{id}/undo", "assignment"),
    Admitted("POST", "/api/admin/operations/{id}/revert", "assignment"),
    RETRY,
    Admitted("GET", "/api/admin/events", "notifier"),
    BULK,  # last, so that what follows it joins its resource
)
"""Passed on as they are."""

ADMITTED = (*FORWARDED, LOGIN, LOGOUT, ASSET, ASSET_DELETION, WEBSOCKET)

SERVICES: tuple[Service, ...] = tuple(sorted({each.service for each in ADMITTED}))
