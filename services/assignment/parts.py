"""What the routes of this service work with."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.assignment.projector import Projector
from services.assignment.settings import AssignmentSettings
from shared.db import Database
from shared.web.limits import RateLimiter


@dataclass(frozen=True, slots=True)
class Parts:
    """Given to the routes once, when the service is built."""

    database: Database
    projector: Projector
    settings: AssignmentSettings = field(default_factory=AssignmentSettings)
    limiter: RateLimiter = field(default_factory=RateLimiter)
