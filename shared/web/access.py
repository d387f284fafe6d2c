"""Who may use which routes."""

from __future__ import annotations

from typing import Literal

from shared.contracts.context import DEFAULT_TENANT
from shared.web.actor import Claims
from shared.web.problems import Forbidden

Access = Literal["public", "user", "admin", "operator", "internal"]
"""Who may ask: anyone; anyone signed in; administrators; those of the operator's own tenant, for
what concerns all tenants; only the gateway, for itself."""


def require(claims: Claims, access: Access) -> None:
    """Refuses administrators' routes to users, and the operator's to other tenants."""
    if access in ("admin", "operator") and claims.role != "admin":
        raise Forbidden("This needs the role of an administrator.")
    if access == "operator" and claims.tenant != DEFAULT_TENANT:
        raise Forbidden(f"This needs an administrator of the tenant {DEFAULT_TENANT}.")
