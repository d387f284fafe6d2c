"""Values as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: float | None) -> str:
    """A number of bytes: ``12.3 MB``."""
    if count is None:
        return "-"
    power = 0
    while count >= 999.5 and power < len(_UNITS) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.0f} {_UNITS[power]}" if count >= 99.5 or not power else _short(count, power)


def _short(count: float, power: int) -> str:
    return f"{count:.1f} {_UNITS[power]}"


def duration(seconds: float | None) -> str:
    """A time span: ``8.4 s``, ``2:05``, ``1:02:05``."""
    if seconds is None:
        return "-"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(text: str | None) -> str:
    """A time of the API to the second, in the zone of this machine."""
    if text is None:
        return "-"
    local = datetime.fromisoformat(text).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S") + (
        local.strftime("%z") if local.utcoffset() else "Z"
    )


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 user``, ``2 users``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def plain(value: Any) -> str:
    """Anything on one line; what would move a cursor or turn a text around is written out."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
    return "".join(each if each.isprintable() else _escaped(each) for each in str(value))


def _escaped(character: str) -> str:
    return repr(character)[1:-1]
