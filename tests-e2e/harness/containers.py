"""The containers of the compose file, under a name of their own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.launch import ROOT
from harness.product import EMAIL

PROJECT = "marquee-containers"
MARK = f"com.docker.compose.project={PROJECT}"
PARTS = ("postgres", "rabbitmq", "s3")
WORKERS = 3
COMPOSE = os.environ.get("COMPOSE", "docker compose")
"""As the Makefile found it, or was told."""


@dataclass(frozen=True)
class Stack:
    """The containers; ``url`` is where the gateway is published."""

    port: int

    @property
    def url(self) -> str:
        """As somebody outside sees it."""
        return f"http://127.0.0.1:{self.port}"

    def make(self, target: str, *more: str) -> None:
        """Run a target of the Makefile on this project."""
        self._run("make", "--no-print-directory", target, f"COMPOSE={COMPOSE}", *more)

    def maintain(self, directory: Path, *command: str) -> None:
        """Run a command of the program with all the secrets, and a directory of ours."""
        volume = f"{directory}:/backups"
        run = ("run", "--rm", "--user", str(os.getuid()), "--volume", volume, "maintenance")
        self._run(*COMPOSE.split(), *run, *command)

    def _run(self, *command: str) -> None:
        environment = {"COMPOSE_PROJECT_NAME": PROJECT, "MARQUEE_PORT": str(self.port)}
        subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True)

    def up(self) -> None:
        """Bring up whatever does not run."""
        self.make("up", f"UP=--scale converter-worker={WORKERS}")

    def containers(self, service: str | None = None) -> list[Any]:
        """What Docker knows of the containers, of one service or of all."""
        of_service = ["--filter", f"label=com.docker.compose.service={service}"] if service else []
        ids = docker("ps", "--all", "--quiet", "--filter", f"label={MARK}", *of_service).split()
        found: list[Any] = json.loads(docker("inspect", *ids)) if ids else []
        return found


def administrator() -> tuple[str, str]:
    """The address and the password of the first administrator."""
    return EMAIL, (ROOT / "deploy/secrets/admin_password").read_text()


def docker(*arguments: str) -> str:
    """What a Docker command prints."""
    return subprocess.run(
        ["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def state(container: Any) -> str:
    """``healthy`` and the like; what has no health check says whether it runs."""
    now = container["State"]
    return str(now["Health"]["Status"] if "Health" in now else now["Status"])
