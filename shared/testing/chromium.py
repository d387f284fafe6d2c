"""A browser: Debian's Chromium, installed if it is missing and we may."""

from __future__ import annotations

import os
import shutil
from functools import cache

from shared.testing import debian

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
)
"""It must not talk to anybody but us; and root gets no sandbox of it."""


class NoChromium(Exception):
    """No browser is here, and none could be installed."""


@cache
def chromium() -> str:
    """The path of a Chromium. Raises NoChromium with what to do about it."""
    found = _installed()
    if found is None and debian.may_install():
        try:
            debian.install("chromium")
        except debian.NotInstalled as error:
            raise NoChromium(str(error)) from error
        found = _installed()
    if found is None:
        raise NoChromium("the browser tests need Chromium; on Debian: apt install chromium")
    return found


def _installed() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")
