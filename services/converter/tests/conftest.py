"""Tiny films, made once per run by the same ffmpeg that converts them; and who asks for what."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import imageio_ffmpeg
import pytest

from services.converter.domain.probe import INPUT
from shared.runtime.sandbox import Sandbox
from shared.testing.fixtures import OpenDatabases

if TYPE_CHECKING:
    from services.converter.tests.asking import Client
    from services.converter.tests.studio import Studio
    from services.converter.tests.uploading import Sender

BINARY = Path(imageio_ffmpeg.get_ffmpeg_exe())
PICTURE = "-f lavfi -i testsrc2=s={size}:d=1:r=24"
H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p"
HDR = "-frames:v 6 -c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none"

RECIPES = {
    "sound": f"{PICTURE} -f lavfi -i sine=d=1 {H264} -c:a aac".format(size="320x240"),
    "silent": f"{PICTURE} {H264}".format(size="320x240"),
    "portrait": f"{PICTURE} {H264} -frames:v 4".format(size="1200x2000"),
    "large": f"{PICTURE} {H264} -frames:v 4".format(size="2560x1440"),
    "odd": f"{PICTURE} -c:v mpeg4 -pix_fmt yuv420p".format(size="321x243"),
    "tiny": f"{PICTURE} -c:v libx264 -pix_fmt yuv444p".format(size="2x2"),
    "one_frame": f"{PICTURE} {H264} -frames:v 1".format(size="320x240"),
    "one_short_frame": f"{PICTURE} {H264} -frames:v 1".replace("r=24", "r=60").format(
        size="320x240"
    ),
    "ten_bit": f"{PICTURE} -c:v libx265 -pix_fmt yuv420p10le".format(size="320x240"),
    "anamorphic": f"{PICTURE} -vf setsar=4/3 {H264}".format(size="320x240"),
    "surround": f"{PICTURE} -f lavfi -i sine=d=1 -ac 6 {H264} -c:a aac".format(size="320x240"),
    "conforming": f"{PICTURE} -f lavfi -i sine=d=1 {H264} -frames:v 6 -c:a aac -shortest".format(
        size="1920x1080"
    ),
    "four_k": f"{PICTURE} {H264} -frames:v 2".format(size="3840x2160"),
    "variable": f"{PICTURE} -vf select=lt(n\\,8)+not(mod(n\\,5)) -fps_mode vfr -c:v mpeg4".format(
        size="320x240"
    ),
    "pq": f"{PICTURE} {HDR}:transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc".format(
        size="320x240"
    ),
    "hlg": f"{PICTURE} {HDR}:transfer=arib-std-b67:colorprim=bt2020:colormatrix=bt2020nc".format(
        size="320x240"
    ),
    "hlg_of_a_phone": f"{PICTURE} {HDR}:transfer=arib-std-b67".format(size="320x240"),
    "noise": "-f rawvideo -pix_fmt gray -s 480x270 -r 12 -t 1 -i /dev/urandom"
    " -c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv420p",
    "black_intro": "-f lavfi -i color=black:s=320x240:r=24:d=3 -f lavfi -i testsrc2=s=320x240:r=24"
    f" -filter_complex [1]trim=duration=1[t];[0][t]concat {H264}",
    "blank": f"-f lavfi -i color=white:s=320x240:r=24:d=1 {H264}",
    "only_sound": "-f lavfi -i sine=d=1 -c:a aac",
    "long": f"{PICTURE} {H264} -t 12 -g 1".replace("d=1", "d=12").format(size="64x36"),
}

MakeClip = Callable[[str], Awaitable[Path]]


async def ffmpeg(*arguments: str) -> str:
    """Run the plain binary; return what it said. Fails the test if it fails."""
    process = await asyncio.create_subprocess_exec(
        *(str(BINARY), "-hide_banner", "-nostdin", "-y", *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, log = await asyncio.wait_for(process.communicate(), 60)
    text = log.decode(errors="replace")
    assert process.returncode == 0, text[-2000:]
    return text


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """A film by name."""
    folder = tmp_path_factory.mktemp("clips")

    async def make(name: str) -> Path:
        path = folder / f"{name}.mp4"
        if path.exists():
            return path
        if name == "turned":
            source = await make("sound")
            await ffmpeg("-display_rotation", "90", "-i", str(source), "-c", "copy", str(path))
        else:
            await ffmpeg(*RECIPES[name].split(), str(path))
        return path

    return make


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox()
    yield made
    await made.close()


@pytest.fixture
def workplace(tmp_path: Path, sandbox: Sandbox) -> Callable[[Path | bytes], Path]:
    """A directory of the confined account with the given file as its input."""

    def prepare(source: Path | bytes) -> Path:
        directory = tmp_path / "work"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        target = directory / INPUT
        target.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        sandbox.show(target)
        sandbox.hand_over(directory)
        return directory

    return prepare


@pytest.fixture
async def studio(databases: OpenDatabases, tmp_path: Path) -> AsyncIterator[Studio]:
    """A worker with its tools on a fresh database."""
    from services.converter.tests.studio import Studio

    made = Studio(await databases("converter"), tmp_path)
    await made.blobs.open()
    await made.scratch.open()
    yield made
    await made.close()


@pytest.fixture
async def limit(clip: MakeClip) -> int:
    """Exactly the size of the film with sound."""
    return (await clip("sound")).stat().st_size


@pytest.fixture
async def client(studio: Studio, limit: int) -> AsyncIterator[Client]:
    """An administrator."""
    from services.converter.tests.asking import serving

    async with serving(studio, limit) as client:
        yield client


@pytest.fixture
async def sender(studio: Studio, tmp_path: Path) -> AsyncIterator[Sender]:
    """An administrator whose uploads may come in pieces."""
    from services.converter.tests.uploading import replica

    async with replica(studio, tmp_path) as sender:
        yield sender


@pytest.fixture
async def film(clip: MakeClip) -> bytes:
    """A film of some tens of kilobytes."""
    return (await clip("sound")).read_bytes()
