"""The load generator: a process of its own, so that what it costs is nobody else's time.

``python -m benchmarks.load`` reads a plan from its standard input and prints what came of it. A
lane is one connection that makes its requests one after the other. A closed lane asks again as
soon as it has its answer; a paced one keeps to its times, and what it waits because the server
was late counts as the server's.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Shot(NamedTuple):
    """One request; latencies are kept by ``label``. It sends JSON, or the ``film`` at a path."""

    label: str
    method: str
    path: str
    body: Any = None
    film: str | None = None


@dataclass(frozen=True)
class Plan:
    """What to ask whom. In seconds: ``warm`` goes before ``lasting`` and is not counted.

    With ``lasting`` 0, every lane makes its requests once. ``every`` is a lane's time from one
    request to the next, or 0 for closed lanes.
    """

    url: str
    lanes: Sequence[Sequence[Shot]]
    headers: Mapping[str, str] = field(default_factory=dict)
    lasting: float = 0
    warm: float = 0
    every: float = 0


@dataclass
class Outcome:
    """What came of a plan: latencies in milliseconds by label, and answers by their status."""

    seconds: float = 0
    latencies: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many answers there were."""
        return sum(map(len, self.latencies.values()))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds

    def percentile(self, share: float, label: str | None = None) -> float:
        """The latency, in milliseconds, that this share of the requests did not exceed."""
        chosen = self.latencies.values() if label is None else [self.latencies[label]]
        return percentile([each for every in chosen for each in every], share)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def fire(plan: Plan) -> Outcome:
    """Carry out a plan in a process of its own.

    Raises RuntimeError with what it complained of, also for an answer of 400 or above: figures of
    a server that refuses would be too good.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, complaint = await process.communicate(json.dumps(asdict(plan)).encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(complaint.decode()[-2000:])
    outcome = Outcome(**json.loads(told))
    if unexpected := [status for status in outcome.statuses if status[0] not in "23"]:
        raise RuntimeError(f"answered with {', '.join(unexpected)}: {complaint.decode()[-2000:]}")
    return outcome


async def _carry_out(plan: Plan) -> Outcome:
    where = urlsplit(plan.url)
    gates = [await asyncio.open_connection(where.hostname, where.port) for _ in plan.lanes]
    now = time.perf_counter  # the loop's own clock has a resolution of a millisecond
    begin = now() + plan.warm
    end = begin + plan.lasting if plan.lasting else math.inf
    latencies: dict[str, list[float]] = {}
    statuses: Counter[str] = Counter()
    last = begin

    async def walk(number: int, gate: tuple[Any, Any]) -> None:
        nonlocal last
        delay = plan.every * number / len(plan.lanes)
        for due, shot, request in _times(plan, number, begin - plan.warm + delay):
            if plan.every:
                await asyncio.sleep(due - now())
            started = due if plan.every else now()
            if started >= end:
                break
            status = await _ask(*gate, request)
            last = now()
            if started >= begin:
                latencies.setdefault(shot.label, []).append((last - started) * 1000)
                statuses[status] += 1

    await asyncio.gather(*(walk(number, gate) for number, gate in enumerate(gates)))
    return Outcome(last - begin, latencies, dict(statuses))


def _times(plan: Plan, number: int, start: float) -> Iterator[tuple[float, Shot, bytes]]:
    """When a lane asks what: once through, or again and again if the plan has a length."""
    lane = [Shot(*shot) for shot in plan.lanes[number]]
    ready = [(shot, _encoded(plan, shot)) for shot in lane]
    for turn in count():
        if turn and not plan.lasting:
            return
        for place, (shot, request) in enumerate(ready):
            yield start + plan.every * (turn * len(ready) + place), shot, request


def _encoded(plan: Plan, shot: Shot) -> bytes:
    kind, body = "application/json", b""
    if shot.film:
        kind, body = "video/mp4", Path(shot.film).read_bytes()
    elif shot.body is not None:
        body = json.dumps(shot.body).encode()
    headers = {"Host": urlsplit(plan.url).netloc, **plan.headers}
    if body:
        headers["Content-Type"] = kind
    lines = [f"{shot.method} {shot.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status, length = head[9:12].decode(), _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    if status[0] not in "23":
        print(body.decode()[:300], file=sys.stderr)
    return status


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump(asdict(uvloop.run(_carry_out(Plan(**given)))), sys.stdout)
