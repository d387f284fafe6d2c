"""The bus on RabbitMQ, 3.10 to 4.x, without plugins."""

from shared.bus.rabbit.bus import RabbitBus
from shared.bus.rabbit.connection import Timing

__all__ = ["RabbitBus", "Timing"]
