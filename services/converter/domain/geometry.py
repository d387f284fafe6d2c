"""How large a picture becomes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in square pixels."""

    width: int
    height: int

    @property
    def portrait(self) -> bool:
        """Whether it is higher than wide."""
        return self.height > self.width


FULL_HD = Size(1920, 1080)


def displayed(width: int, height: int, *, aspect: Fraction, rotation: int) -> Size:
    """The size a viewer sees: pixels made square by their aspect, then turned by ``rotation``."""
    if aspect > 0:
        width = max(1, round(width * aspect))
    return Size(height, width) if rotation % 180 else Size(width, height)


def full_hd_box(size: Size) -> Size:
    """1920x1080, or 1080x1920 for a portrait."""
    return Size(FULL_HD.height, FULL_HD.width) if size.portrait else FULL_HD


def shrunk(size: Size, box: Size) -> Size:
    """Fitted into ``box`` with its proportions, never enlarged."""
    inside = size.width <= box.width and size.height <= box.height
    return size if inside else fitted(size, box)


def fitted(size: Size, box: Size) -> Size:
    """As large as ``box`` allows, with its proportions."""
    scale = min(Fraction(box.width, size.width), Fraction(box.height, size.height))
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def even(size: Size) -> Size:
    """Both sides even, as 4:2:0 video needs: rounded down, but at least 2."""
    return Size(max(2, size.width & ~1), max(2, size.height & ~1))
