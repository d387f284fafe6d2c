"""People: the users of ``identity``, kept in two replicas by who may be met in which part.

Anybody can be given something; who is or was an administrator can also have given it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import Table

from shared.contracts.identity import UserChanged, UserCreated
from shared.db.database import Tx
from shared.db.replica import learn

OnPerson = Callable[[Tx, UserCreated | UserChanged], Awaitable[None]]


def learn_people(users: Table, admins: Table) -> OnPerson:
    """The consumer function of both events, in whatever order they arrive.

    Both replicas have the columns ``email`` and ``name``, and ``users`` also ``disabled``.
    """
    learn_user = learn(users, "known", "email", "name", "disabled")
    learn_admin = learn(admins, "known", "email", "name")

    async def on_person(tx: Tx, event: UserCreated | UserChanged) -> None:
        person = {
            "id": event.user_id,
            "known": True,
            "email": event.email,
            "name": event.display_name,
            "version": event.version,
        }
        await tx.execute(learn_user, **person, disabled=event.disabled)
        if event.administrates:
            await tx.execute(learn_admin, **person)

    return on_person
