"""The HTTP side of ``identity``."""

from services.identity.http import auth, internal, keys, people, tenants
from services.identity.http.parts import Parts, routes

__all__ = ["Parts", "auth", "internal", "keys", "people", "routes", "tenants"]
