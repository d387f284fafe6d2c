"""Reports that can be read to their end, and say of a test that took too long what waited for what.

A pytest plugin, named in the root conftest. Where the output of a run is cut off, the last lines
are what is left: they name the failed tests, and what stands before them is short.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator, Iterator
from inspect import isasyncgen
from pathlib import Path
from typing import Any

import pytest

_LINES = 25
"""Of each captured section, the last ones."""

_loop = pytest.StashKey[asyncio.AbstractEventLoop]()
_settings = pytest.StashKey[Any]()
_over = pytest.StashKey[bool]()


@pytest.fixture(scope="session", autouse=True)
async def _the_loop_of_all_tests(request: pytest.FixtureRequest) -> None:
    """Once a test is over, nothing else tells where its tasks are."""
    request.config.stash[_loop] = asyncio.get_running_loop()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Remember for how long."""
    item.stash[_settings] = settings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Give what cleans up after a test that took too long as long again, and not for ever."""
    if item.stash.get(_over, False):
        item.config.hook.pytest_timeout_set_timer(item=item, settings=item.stash[_settings])
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shorten what was captured; after a timeout, say what everything waits for."""
    report = yield
    report.sections = [(title, _last_lines(text)) for title, text in report.sections]
    if call.excinfo is not None and "Timeout" in str(call.excinfo.value):
        item.stash[_over] = True
        if loop := item.config.stash.get(_loop, None):
            report.sections.append((f"Waiting at {call.when}", "\n".join(waits(loop))))
    return report


def waits(loop: asyncio.AbstractEventLoop) -> list[str]:
    """A line for each task that has not ended: its name, and the awaits down to the innermost."""
    return sorted(
        f"{task.get_name()}: {' > '.join(_awaits(task.get_coro()))}"
        for task in asyncio.all_tasks(loop)
    )


def _awaits(awaited: Any) -> Iterator[str]:
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            code = frame.f_code
            yield f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}"
        awaited = (
            getattr(awaited, "cr_await", None)
            or getattr(awaited, "ag_await", None)
            # What waits for the next item of a generator does not say of which.
            or next(filter(isasyncgen, gc.get_referents(awaited)), None)
        )


def _last_lines(text: str) -> str:
    """Without the stacks of threads, which say nothing of tasks."""
    lines = text.partition("+ Timeout +")[0].splitlines()
    left_out = len(lines) - _LINES
    return "\n".join([f"({left_out} lines left out)", *lines[-_LINES:]] if left_out > 0 else lines)
