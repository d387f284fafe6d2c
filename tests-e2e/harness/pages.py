"""Runs what the documents tell their readers to type.

In a page, every ``sh`` block is run, all in one shell. ``sh server`` is typed in a terminal of its
own, where Marquee then runs until the page ends or another such block takes its place; a reader who
has a product already leaves it out. A ``text`` block is what the ``sh`` block before it prints;
ids, times and hashes may differ, ``…`` within a line stands for anything, and alone for any lines.
Where it is ``text soon``, the block before is typed again until it does. Blocks of other kinds are
only looked at.

A page is followed in a fresh checkout made of links, so that ``data/`` and whatever else it leaves
is its own. Addresses in the page stand for those of the servers at hand.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.fleet import free_port
from harness.launch import READY, ROOT

DOCUMENTED = "127.0.0.1:8080"
"""Where a product listens, as the pages say."""

_FENCE = re.compile(r"^( *)```(.*)$")
_READY = READY.decode()
_DONE, _FAILED = "@@done", "@@failed"

_SOON_SECONDS = 120
_STOP_SECONDS = 60

_INTERRUPTED = (0, 2, 130, -signal.SIGINT)
"""How `make` and shells end when Ctrl-C was pressed."""

_ANYTHING = "…"
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where its content begins, its language, and what else its fence says."""

    page: Path
    line: int
    language: str
    mode: str
    text: str

    def at(self, offset: int = 0) -> str:
        """The place, as editors understand it."""
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page}:{self.line + offset}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    begun: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if begun and fence and not fence[2]:
            start, info, lines = begun
            language, _, mode = info.partition(" ")
            yield Block(page, start, language, mode, "\n".join(lines) + "\n")
            begun = None
        elif begun:
            begun[2].append(line)
        elif fence:
            begun = (number + 1, fence[2], [])
    assert begun is None, f"{page}: a block has no end"


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, but for what differs every time."""
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line.strip() == _ANYTHING else _like(line)
        for line in _steady(shown).splitlines()
    )
    return re.fullmatch(pattern, _steady(printed) + "\n") is not None


def _like(line: str) -> str:
    return ".*?".join(map(re.escape, line.split(_ANYTHING))) + r"\n"


def _steady(text: str) -> str:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@dataclass
class Reader:
    """Somebody who types what a page says. ``meant`` maps what is written to what is meant."""

    home: Path
    meant: dict[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    """Where a product that the pages start listens, each time they start it."""

    async def follow(self, *pages: Path) -> None:
        """Follow pages in one shell, one after the other. Fails with the page and the line."""
        has_product = DOCUMENTED in self.meant
        async with self._shell() as shell, AsyncExitStack() as terminal:
            typed, printed = None, ""
            for block in (block for page in pages for block in blocks(page)):
                if block.language == "sh" and block.mode == "server":
                    if not has_product:
                        await terminal.aclose()
                        self.found(await terminal.enter_async_context(self.serving(block)))
                elif block.language == "sh":
                    typed, printed = block, await self._type(shell, block)
                elif block.language == "text":
                    assert typed, f"{block.at()}: nothing was run that could print this"
                    await self._compare(shell, block, typed, printed)

    def found(self, url: str) -> None:
        """Note where the product at hand listens."""
        self.meant[DOCUMENTED] = url.partition("://")[2]

    async def _compare(
        self, shell: asyncio.subprocess.Process, shown: Block, typed: Block, printed: str
    ) -> None:
        """Fail unless it prints what is shown, soon if that is all the page promises."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + (_SOON_SECONDS if shown.mode == "soon" else 0)
        while not same(shown.text, printed) and clock() < deadline:
            await asyncio.sleep(0.5)
            printed = await self._type(shell, typed)
        complaint = f"{shown.at()} shows\n{shown.text}\nbut {typed.at()} prints\n{printed}"
        assert same(shown.text, printed), complaint

    @asynccontextmanager
    async def serving(self, block: Block) -> AsyncIterator[str]:
        """A terminal in which a product runs; yields its address."""
        process = await self._bash("-c", self._actual(block.text))
        said: list[str] = []
        listening = asyncio.create_task(_listen(process, said))
        try:
            yield await _ready(said, listening, block)
        finally:
            await _interrupt(process)
            await listening
        assert process.returncode in _INTERRUPTED, f"{block.at()} ended badly:\n{''.join(said)}"

    @asynccontextmanager
    async def _shell(self) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await self._bash("--noprofile", "--norc")
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _type(self, shell: asyncio.subprocess.Process, block: Block) -> str:
        """Run a block in the shell; return what it prints."""
        script = self.home / ".typed"
        script.write_text(self._actual(block.text))
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(
            f"exec 3>&1; trap 'echo {_FAILED} $LINENO >&3' ERR; set -Eeo pipefail\n"
            f". ./{script.name} 2>&1; set +e; trap - ERR; echo; echo {_DONE}\n".encode()
        )
        printed: list[str] = []
        async with asyncio.timeout(180):
            while line := (await shell.stdout.readline()).decode():
                if line.startswith(_DONE):
                    return self._documented("".join(printed))
                printed.append(line)
        raise AssertionError(self._complaint(block, printed))

    def _complaint(self, block: Block, printed: list[str]) -> str:
        lines = [int(line.split()[1]) for line in printed if line.startswith(_FAILED)]
        place = block.at(lines[-1] - 1 if lines else 0)
        said = "".join(line for line in printed if not line.startswith(_FAILED))
        return f"{place} fails:\n{block.text}\n{said}"

    def _actual(self, text: str) -> str:
        for written, meant in self.meant.items():
            text = text.replace(written, meant)
        return text

    def _documented(self, text: str) -> str:
        for written, meant in self.meant.items():
            text = text.replace(meant, written)
        return text

    async def _bash(self, *arguments: str) -> asyncio.subprocess.Process:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MARQUEE_")}
        return await asyncio.create_subprocess_exec(
            "bash",
            *arguments,
            cwd=self.home,
            env=kept | {"MARQUEE_PORT": str(self.port), **self.environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1024 * 1024,
        )


def checkout(directory: Path) -> Path:
    """A fresh checkout, but for its ``data/``, made of links."""
    directory.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in ("data", ".git"):
            (directory / entry.name).symlink_to(entry)
    return directory


async def _interrupt(process: asyncio.subprocess.Process) -> None:
    """Press Ctrl-C, and wait until all that was started is gone. Fails if it takes too long."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + _STOP_SECONDS
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        while clock() < deadline:
            os.killpg(process.pid, 0)
            await asyncio.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"something still ran {_STOP_SECONDS} s after Ctrl-C")
    await process.wait()


async def _listen(process: asyncio.subprocess.Process, said: list[str]) -> None:
    """Hear it out: nobody can write on and on to who does not read."""
    assert process.stdout is not None
    async for line in process.stdout:
        said.append(line.decode())


async def _ready(said: list[str], listening: asyncio.Task[None], block: Block) -> str:
    async with asyncio.timeout(300):
        while True:
            for line in said:
                if line.startswith(_READY):
                    return line.removeprefix(_READY).strip()
            assert not listening.done(), f"{block.at()} never got ready:\n{''.join(said)}"
            await asyncio.sleep(0.1)
