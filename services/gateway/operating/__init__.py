"""What operators see and do: the state of the system, parked messages, resync, and the doctor.

Composed from what each service says of itself inside; a service that is down is named, and holds
up nothing.
"""

from services.gateway.operating.inside import Doorkeeper, Inside
from services.gateway.operating.parked import routes as parked_routes

GROUPS = (parked_routes,)

__all__ = ["GROUPS", "Doorkeeper", "Inside"]
