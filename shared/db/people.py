"""People: the users of ``identity``, kept in two replicas by the part in which they are met.

Anybody can be given something; who is or was an administrator can also have given it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from sqlalchemy import Table

from shared.db.database import Tx
from shared.db.replica import learn


class Person(Protocol):
    """What each event of ``identity`` tells of a user."""

    @property
    def user_id(self) -> UUID: ...
    @property
    def email(self) -> str: ...
    @property
    def display_name(self) -> str: ...
    @property
    def disabled(self) -> bool: ...
    @property
    def version(self) -> int: ...
    @property
    def may_have_administrated(self) -> bool: ...


def learn_people(users: Table, admins: Table) -> Callable[[Tx, Person], Awaitable[None]]:
    """The consumer function of these events, in whatever order they arrive.

    Both replicas have the columns ``email`` and ``name``, and ``users`` also ``disabled``.
    """
    learn_user = learn(users, "known", "email", "name", "disabled")
    learn_admin = learn(admins, "known", "email", "name")

    async def on_person(tx: Tx, event: Person) -> None:
        person = {
            "id": event.user_id,
            "known": True,
            "email": event.email,
            "name": event.display_name,
            "version": event.version,
        }
        await tx.execute(learn_user, **person, disabled=event.disabled)
        if event.may_have_administrated:
            await tx.execute(learn_admin, **person)

    return on_person
