"""What every bus promises; each adapter's tests inherit it and offer a ``kit`` fixture."""

from shared.testing.bus.consuming import ConsumerConformance
from shared.testing.bus.delivery import DeliveryConformance
from shared.testing.bus.relaying import RelayConformance
from shared.testing.bus.retries import RetryConformance


class BusConformance(DeliveryConformance, RetryConformance, RelayConformance, ConsumerConformance):
    """Inherit, and give ``kit``: fresh queues, and exactly two retry delays."""
