"""Where a service can be made to die, and constants that are shorter than the product's.

Both exist only in processes that the zygote has forked. A point is armed by a file: the process
that reaches it removes the file and kills itself, so each arming ends one process, once.
"""

from __future__ import annotations

import builtins
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from faults.mutations import MUTATIONS

ARMED = "FAULTS_ARMED"
"""Names the directory in which a process finds its armed points."""

MUTATED = "FAULTS_MUTATED"
"""Names the fault whose mutation all services get."""

LEASE_SECONDS = 10.0
ABANDONED_SECONDS = 15.0

WALL_CLOCK = "FAULTS_WALL_CLOCK"
"""Names the seconds that a conversion may take, for processes where 150 would be too many."""

RETRY_DELAYS = (1, 2, 3, 4)
"""Seconds between the attempts at a message."""

ANOTHER_KEY = "FAULTS_ANOTHER_KEY"
"""Names what makes the keys that a process signs with others than they were."""


def _another_key(signing_key: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda keys, purpose: signing_key(keys, purpose + os.environ.get(ANOTHER_KEY, ""))


SCALED: dict[str, Callable[[Any], Any]] = {
    "services.converter.leases:LEASE": lambda _: timedelta(seconds=LEASE_SECONDS),
    "services.audit.notary:EVERY": lambda _: timedelta(seconds=5),
    "services.converter.service:Workshop": lambda made: (
        lambda **tools: made(**{"wall_clock": _wall_clock()} | tools)
    ),
    "shared.runtime.runner:_ABANDONED_SECONDS": lambda _: ABANDONED_SECONDS,
    "shared.operating.sampling:EVERY": lambda _: 1.0,
    "shared.db.database:Clock.at": lambda at: lambda clock, time: _by_its_clock(at(clock, time)),
    "shared.runtime.keys:Keys.signing_key": _another_key,
    "time:time": lambda time: (
        lambda: _by_its_clock(datetime.fromtimestamp(time(), UTC)).timestamp()
    ),
    "shared.bus.rabbit.bus:Topology": lambda made: partial(made, retry_delays=RETRY_DELAYS),
}
"""Clocks and keys that can be changed, and what would only make the runs longer: a lease, the time
between two checkpoints, how long a conversion may take, how often an outbox is looked at, how long
an upload in parts is left alone, and the delays of what failed."""


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after ``target``, ``package.module:Class.method``, does its work."""

    target: str
    after: bool = False
    worth: Callable[..., bool] = lambda *_: True


POINTS = {
    "confirmed": Point("shared.bus.outbox:Outbox.forget", worth=lambda _, ids: bool(ids)),
    "consumed": Point("shared.bus.rabbit.consumer:Consumer._settle"),
    "saving": Point("services.assignment.store:save_change"),
    "written": Point("shared.db.database:Tx.write_outbox", after=True),
    "answered": Point("shared.web.idempotency:once", after=True),
    "passing": Point(
        "services.gateway.proxy:_pass_back",
        worth=lambda request, response, _: request.method == "POST" and response.status < 300,
    ),
}
"""``confirmed``: the broker has the events, and the outbox too. ``consumed``: an effect is
committed, and its message not acknowledged. ``saving``: a command is decided, nothing is stored;
``written``: all is stored and nothing committed; ``answered``: committed, and nobody was told.
``passing``: the gateway has the answer, and its client has not."""


CLOCK = "clock"
"""A file beside the armed points: a moment at which a process' clocks stand still, as ISO 8601, or
the seconds by which they are wrong."""


def _by_its_clock(time: datetime) -> datetime:
    try:
        told = (Path(os.environ[ARMED]) / CLOCK).read_text()
    except (KeyError, FileNotFoundError):
        return time
    if "T" in told:
        return datetime.fromisoformat(told)
    return time + timedelta(seconds=float(told))


CLINGING = """
trap '' TERM
sleep 1000 &
yes nonsense | head -c 100000000 >&2
wait
"""
LEAVING = "sleep 1000 & exit 0"

MISBEHAVIOUR = {"clinging": CLINGING, "leaving": LEAVING}
"""Scripts that can be armed as points are, to be run once in ffmpeg's place: one writes 100 MB of
errors and then neither ends nor lets itself be asked to; the other ends at once, without an output.
Both leave a child behind that holds their pipes."""


def _wall_clock() -> float:
    return float(os.environ.get(WALL_CLOCK, "150"))


def install() -> None:
    """Put the points where they belong, shorten what is too long, and mutate what shall be."""
    owner, attribute = _find("services.converter.ffmpeg:Program")
    setattr(owner, attribute, _misbehaving(getattr(owner, attribute)))
    for name, point in POINTS.items():
        owner, attribute = _find(point.target)
        setattr(owner, attribute, _trap(name, point, getattr(owner, attribute)))
    mutation = MUTATIONS[os.environ[MUTATED]] if MUTATED in os.environ else {}
    for target, changed in (*SCALED.items(), *mutation.items()):
        owner, attribute = _find(target)
        there = getattr(owner, attribute, None) or getattr(builtins, attribute)
        setattr(owner, attribute, changed(there))


def _find(target: str) -> tuple[Any, str]:
    module, _, path = target.partition(":")
    owner: Any = import_module(module)
    *classes, attribute = path.split(".")
    for name in classes:
        owner = getattr(owner, name)
    return owner, attribute


def _trap(name: str, point: Point, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    async def trapped(*arguments: Any, **named: Any) -> Any:
        if not point.after and point.worth(*arguments):
            _die_if_armed(name)
        result = await call(*arguments, **named)
        if point.after and point.worth(*arguments):
            _die_if_armed(name)
        return result

    return trapped


def _misbehaving(program: Callable[..., Any]) -> Callable[..., Any]:
    def given(path: Path, arguments: Sequence[str]) -> Any:
        for name, script in MISBEHAVIOUR.items():
            if _was_armed(name):
                return program(Path("/bin/sh"), ("-c", script))
        return program(path, arguments)

    return given


def _die_if_armed(name: str) -> None:
    if _was_armed(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _was_armed(name: str) -> bool:
    try:
        (Path(os.environ[ARMED]) / name).unlink()
    except FileNotFoundError:
        return False
    return True
