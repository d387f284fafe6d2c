"""What the runner reads off a service."""

from __future__ import annotations

import pytest

from shared.runtime.service import Service
from shared.web import Answer, Call, Routes


@pytest.mark.parametrize("idempotent", [True, False])
def test_who_honours_keys_has_answers_to_be_swept(idempotent: bool) -> None:
    routes = Routes("lamps")

    @routes.post("/lamps", answers={204: None}, idempotent=idempotent)
    async def add(call: Call) -> Answer:
        """Add a lamp."""
        return Answer(204)

    assert Service("demo", routes=[Routes("other"), routes]).keeps_answers is idempotent
