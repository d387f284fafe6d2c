"""What operators see and do: the state of the system, parked messages, resync, and the doctor.

Composed from what each service says of itself inside; a service that is down is named, and holds
up nothing.
"""

from services.gateway.operating.inside import Doorkeeper, Home, Inside
from services.gateway.operating.parked import routes as parked_routes
from services.gateway.operating.resync import routes as resync_routes
from services.gateway.operating.system import routes as system_routes

GROUPS = (system_routes, parked_routes, resync_routes)

__all__ = ["GROUPS", "Doorkeeper", "Home", "Inside"]
