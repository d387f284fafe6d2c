"""What an operator can set about the first administrator, and about signing in."""

from __future__ import annotations

from typing import Annotated

from limits import parse
from pydantic import Field, SecretStr

from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class IdentitySettings(MarqueeSettings):
    """The first administrator is created when there are no users at all.

    ``login_rate`` is for one account from one address.
    """

    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] = "admin@example.com"
    admin_password: Annotated[SecretStr, Field(min_length=8)] | None = None
    login_rate: Rate = parse("60/minute")
