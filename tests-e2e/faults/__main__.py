"""``python -m faults``: break a running product, print a verdict a line, write ``results.json``.

``FAULTS`` picks faults by id, at the matrix' full measure, or is ``quick`` (the default), short
forms of some, or ``all``, about a minute each; ``LENGTH`` (quick, usual, full) says otherwise.
``SEED`` repeats a run. ``kills`` is the kill loop, ``KILLS`` how long it is. With ``MUTATE=1``
each fault is judged without the mechanism that survives it, and must be found out.
Ends with 1 if a fault does not hold.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import structlog

from faults import killing, registry
from faults.fault import Fault, Length, Verdict, judge, ready
from faults.load import Crew

KILLS = "kills"

RESULTS = Path(__file__).with_name("results.json")


async def _run(wanted: str, seed: int, directory: Path) -> bool:
    """Do what is wanted; whether everything holds."""
    faults = [] if wanted == KILLS else registry.chosen(wanted)
    if os.environ.get("MUTATE"):
        return await _mutate(faults, seed, directory, _length(Length.USUAL))
    async with ready(directory, seed) as crew:
        if wanted == KILLS:
            return await _kill(crew, seed)
        groups = {"quick": Length.QUICK, "all": Length.USUAL}
        return await _judge(faults, crew, seed, _length(groups.get(wanted, Length.FULL)))


def _length(usually: Length) -> Length:
    """What ``LENGTH`` says. Raises LookupError."""
    name = os.environ.get("LENGTH") or usually.name
    try:
        return Length[name.upper()]
    except KeyError:
        raise LookupError(f"LENGTH: takes quick, usual or full, not {name}") from None


async def _judge(faults: Sequence[Fault], crew: Crew, seed: int, length: Length) -> bool:
    verdicts: list[Verdict] = []
    for fault in faults:
        verdict = await judge(fault, crew, seed, length=length)
        print(verdict.line(), flush=True)
        verdicts.append(verdict)
        _keep(verdicts)
    return all(verdict.ok for verdict in verdicts)


async def _mutate(faults: Sequence[Fault], seed: int, directory: Path, length: Length) -> bool:
    """Judge each fault without what survives it; whether all of them are found out."""
    found_out = True
    for fault in faults:
        place = directory / fault.id
        place.mkdir()
        async with ready(place, seed, fault.id) as crew:
            verdict = await judge(fault, crew, seed, length=length, hasty=True)
        print(f"{'MUTATION SURVIVES' if verdict.ok else 'found out'}: {verdict.line()}", flush=True)
        found_out = found_out and not verdict.ok
    return found_out


async def _kill(crew: Crew, seed: int) -> bool:
    toll = await killing.kill(crew, seed, int(os.environ.get("KILLS") or 1000))
    _keep(toll.verdicts)
    print(*toll.lines(), sep="\n", flush=True)
    return all(verdict.ok for verdict in toll.verdicts)


def _keep(verdicts: Sequence[Verdict]) -> None:
    """Written after each fault, so that an interrupted run has what it found."""
    RESULTS.write_text(json.dumps([asdict(each) for each in verdicts], indent=1) + "\n")


def main() -> None:
    """Run what ``FAULTS`` asks for."""
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**32))
    wanted = os.environ.get("FAULTS") or "quick"
    directory = Path(tempfile.mkdtemp(prefix="marquee-faults-", dir="/tmp"))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"SEED={seed}; histories and logs in {directory}", flush=True)
    try:
        holds = asyncio.run(_run(wanted, seed, directory))
    except LookupError as error:
        sys.exit(f"faults: {error}")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
