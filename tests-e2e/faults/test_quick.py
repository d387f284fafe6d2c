"""The quick set of the fault matrix, on one product that is broken again and again."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from faults import registry
from faults.fault import Fault, judge, ready
from faults.load import Crew

pytestmark = pytest.mark.xdist_group("faults")

SEED = 20_261_121


@pytest.fixture(scope="module")
async def crew() -> AsyncIterator[Crew]:
    """A product, and people who work with it."""
    # Not under TMPDIR: the path of a Unix socket must be short.
    with tempfile.TemporaryDirectory(prefix="marquee-faults-", dir="/tmp") as place:
        async with ready(Path(place), SEED) as crew:
            yield crew


@pytest.mark.parametrize("fault", registry.chosen("quick"), ids=lambda fault: fault.id)
async def test_it_survives(crew: Crew, fault: Fault) -> None:
    verdict = await judge(fault, crew, SEED)
    logging.getLogger(__name__).info(verdict.line())
    assert verdict.ok, verdict.line()
