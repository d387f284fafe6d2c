"""A RabbitMQ in a container, for machines whose Docker already has the image."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from shared.testing.rabbit import free_ports, open_to_clients

_COMMAND = (
    "rabbitmq-plugins enable --offline rabbitmq_management && "
    "exec docker-entrypoint.sh rabbitmq-server"
)


def image() -> str | None:
    """The newest RabbitMQ image that Docker has, the one with management first."""
    try:
        import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and rarely needed

        tags = [tag for each in docker.from_env(timeout=5).images.list() for tag in each.tags]
    except Exception:
        return None
    ours = [tag for tag in tags if tag.split(":")[0].rpartition("/")[2] == "rabbitmq"]
    return max(ours, key=lambda tag: ("management" in tag, tag), default=None)


class RabbitContainer:
    """The same handles as ``RabbitNode``; its data lives as long as the container."""

    def __init__(self, name: str) -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - as above

        # Without it, testcontainers would pull an image of its own to clean up with.
        os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
        self.port, http_port = free_ports(2)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self.management = f"http://127.0.0.1:{http_port}"
        self._container = (
            DockerContainer(name)
            .with_bind_ports(5672, self.port)
            .with_bind_ports(15672, http_port)
            .with_command(["bash", "-c", _COMMAND])
        )
        self._created = False

    async def start(self) -> None:
        """Start it, for the first time or again, and wait until it takes connections."""
        if self._created:
            await asyncio.to_thread(self._inner.start)
        else:
            await asyncio.to_thread(self._container.start)
            self._created = True
        await open_to_clients(self.port, self.management)

    async def stop(self) -> None:
        """Shut down in order; the data stays for the next start."""
        await asyncio.to_thread(self._inner.stop)

    async def kill(self) -> None:
        """End the broker as a crash would."""
        await asyncio.to_thread(self._inner.kill)

    async def discard(self) -> None:
        """Remove the container and its data."""
        if self._created:
            await asyncio.to_thread(self._container.stop)
            self._created = False

    async def control(self, *arguments: str) -> None:
        """Tell the running broker something by ``rabbitmqctl``. Raises RuntimeError."""
        code, said = await asyncio.to_thread(self._inner.exec_run, ["rabbitmqctl", *arguments])
        if code:
            raise RuntimeError(said.decode(errors="replace"))

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._inner.pause()

    def resume(self) -> None:
        """Go on after ``pause``."""
        self._inner.unpause()

    @property
    def _inner(self) -> Any:
        return self._container.get_wrapped_container()
