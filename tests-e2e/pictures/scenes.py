"""Films that are pleasant to look at, drawn by ffmpeg's own sources, each the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.clips import make_film

SIZE = "size=960x540:rate=24"


def _noise(seed: int, shape: str, red: str, green: str, blue: str) -> str:
    """Clouds of Perlin noise in colours that are functions of how bright they are."""
    tint = f"lutrgb=r='{red}':g='{green}':b='{blue}'"
    drawn = f"perlin=size=480x270:rate=24:random_seed={seed}:{shape}"
    return f"{drawn},scale=960:540:flags=bicubic,format=gray,format=rgb24,{tint}"


@dataclass(frozen=True)
class Scene:
    """A film: its title, the name of its file, and what ffmpeg draws it with."""

    title: str
    filename: str
    source: str

    def film(self, directory: Path, *, seconds: float = 5) -> Path:
        """The film as a file. It takes a second or two."""
        return make_film(directory / self.filename, self.source, seconds=seconds)


SCENES = (
    Scene(
        "Embers",
        "embers_loop.mp4",
        _noise(
            9,
            "octaves=6:persistence=0.55:xscale=2:yscale=2",
            *("clip((val-90)*3,10,255)", "clip((val-130)*3,5,210)", "clip((val-170)*4,20,120)"),
        ),
    ),
    Scene("Still water", "still_water.mp4", f"zoneplate={SIZE}:kx2=34:ky2=24:kt=6,format=gray,"
          "format=rgb24,lutrgb=r=val*0.3+15:g=val*0.6+30:b=val*0.8+50"),
    Scene("Silk", "silk_v3.mp4", f"gradients={SIZE}:c0=0x120c3c:c1=0x5a65dc:c2=0xe36bd0:"
          "c3=0xffd9a0:n=4:type=spiral:speed=0.03:seed=11"),
    Scene("Morning haze", "morning_haze.mp4", _noise(
        2, "octaves=5:persistence=0.6:xscale=1.6:yscale=2.2:tscale=0.4",
        *("val*0.55+40", "val*0.75+60", "val*0.5+125"))),
    Scene("Colony", "colony_0412.mov", "life=size=240x135:mold=30:rate=24:ratio=0.12:seed=5:"
          "death_color=0x0b2545:life_color=0x8ff5d0:mold_color=0x13315c,"
          "scale=960:540:flags=neighbor"),
    Scene("Harbour at dusk", "harbour_dusk.mp4", f"gradients={SIZE}:c0=0x2b1055:c1=0xff6e7f:"
          "c2=0xffc371:c3=0x7597de:n=4:type=radial:speed=0.02:seed=3"),
    Scene("Under the canopy", "canopy_final.mp4", _noise(
        21, "octaves=7:persistence=0.6:xscale=5:yscale=4",
        *("clip((val-110)*2,8,190)", "clip((val-60)*1.5,30,230)", "clip((val-120)*2,24,110)"))),
    Scene("Seahorse valley", "seahorse_valley.mp4", "mandelbrot=size=960x540:rate=24:"
          "start_x=-0.743643887:start_y=-0.131825904:start_scale=0.02:end_scale=0.004:"
          "maxiter=300,hue=h=210:s=0.75"),
    Scene("Loom", "loom_take_2.mp4", "cellauto=size=240x135:rule=110:rate=24:seed=3:full=1,"
          "scale=960:540:flags=neighbor,format=rgb24,"
          "colorchannelmixer=.95:0:0:0:.55:0:0:0:.25:0:0:0"),
    Scene("Northern lights", "northern_lights.mp4", _noise(
        33, "octaves=4:persistence=0.5:xscale=3:yscale=0.6",
        *("clip((val-150)*2,6,150)", "clip((val-95)*2.6,18,245)", "clip((val-80)*1.8,42,190)"))),
    Scene("Lantern parade", "lantern_parade.mp4", f"gradients={SIZE}:c0=0x1a0f08:c1=0xffb35c:"
          "c2=0x7a2e1d:c3=0xffe9b8:n=4:type=circular:speed=0.03:seed=5"),
    Scene("Deep field", "deep_field.mp4", _noise(
        57, "octaves=8:persistence=0.7:xscale=9:yscale=6",
        *("clip((val-128)*4,12,225)", "clip((val-140)*4,10,205)", "clip((val-105)*3,34,255)"))),
)  # fmt: skip
