"""What the routes of ``identity`` have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from limits import RateLimitItem
from pydantic import BaseModel, Field, StringConstraints

from services.identity.announcing import Announcer
from services.identity.tokens import TokenSigner
from shared.contracts.identity import Role
from shared.db import Database
from shared.runtime.ids import NewId
from shared.web import Routes
from shared.web.csrf import CsrfTokens
from shared.web.limits import RateLimiter

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"),
    Field(examples=["ada@example.com"]),
]
"""Anything with one ``@``: addresses inside a company follow no stricter rule."""

Password = Annotated[str, Field(min_length=8, max_length=256, examples=["correct horse"])]

END_OF_TIME = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""Before it is everything."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes work with."""

    database: Database
    signer: TokenSigner
    new_id: NewId
    csrf: CsrfTokens
    announcer: Announcer
    limiter: RateLimiter
    login_rate: RateLimitItem
    login_address_rate: RateLimitItem


class User(BaseModel):
    """A person."""

    id: UUID
    email: str
    name: str
    role: Role
    disabled: bool
    created_at: datetime


routes = Routes("Identity")
