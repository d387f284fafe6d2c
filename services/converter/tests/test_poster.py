"""The best poster shows something, where there is something to be seen."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from services.converter.domain.recipes import Recipe, recipes
from services.converter.ffmpeg import Ffmpeg
from services.converter.probing.prober import Prober
from services.converter.tests.conftest import BINARY, MakeClip
from shared.runtime.sandbox import Sandbox


async def _still(directory: Path, sandbox: Sandbox, kind: str) -> list[int]:
    """The brightness of a still's pixels."""
    probe = await Prober(sandbox).examine(directory)
    assert probe is not None
    recipe: Recipe = next(each for each in recipes(probe, "av1") if each.rendition == kind)
    for command in recipe.commands:
        await Ffmpeg(BINARY, sandbox).run(command, directory, seconds=60)
    with av.open(str(directory / recipe.output)) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (1920, 1080)
    return list(bytes(frame.reformat(320, 180, "gray").planes[0]))


async def test_a_black_beginning_is_passed_over(
    clip: MakeClip, workplace: Callable[[Path], Path], sandbox: Sandbox
) -> None:
    directory = workplace(await clip("black_intro"))
    assert statistics.pstdev(await _still(directory, sandbox, "thumbnail")) < 1
    assert statistics.pstdev(await _still(directory, sandbox, "poster_best")) > 20


@pytest.mark.parametrize("name", ["blank", "one_frame", "tiny"])
async def test_where_there_is_no_choice_it_is_the_first_frame(
    name: str, clip: MakeClip, workplace: Callable[[Path], Path], sandbox: Sandbox
) -> None:
    directory = workplace(await clip(name))
    first = await _still(directory, sandbox, "thumbnail")
    assert await _still(directory, sandbox, "poster_best") == pytest.approx(first, abs=2)
