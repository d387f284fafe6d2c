"""The settings of ``identity``."""

from __future__ import annotations

from typing import Annotated

from limits import parse
from pydantic import Field, SecretStr

from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class IdentitySettings(MarqueeSettings):
    """What an operator can set about the first administrator, and about signing in."""

    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] = "admin@example.com"
    """The first administrator, who is created when there are no users at all."""
    admin_password: Annotated[SecretStr, Field(min_length=8)] | None = None
    """Their password, 8 characters or more; left out, one is generated and shown once on the
    terminal, or kept in `data/admin-password` when there is none."""
    login_rate: Rate = parse("60/minute")
    """Attempts to sign in, for one account from one address."""
    login_address_rate: Rate = parse("600/minute")
    """The same for all accounts together, from one address: who tries one password on many."""
