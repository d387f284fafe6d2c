"""The in-process bus on the embedded database: same promises, nothing to install."""

from shared.bus.embedded.bus import EmbeddedBus

__all__ = ["EmbeddedBus"]
