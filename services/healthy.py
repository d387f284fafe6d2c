"""Whether the service in this container is ready: for the health check of its image.

A program of its own, because the probe runs every few seconds beside every service: it imports
nothing that takes time. Exits with 0 if ``/readyz`` answers 200, else with 1.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException


def main() -> int:
    """Ask once; the exit code."""
    port = int(os.environ.get("MARQUEE_SERVICE_PORT", "8080"))
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/readyz")
        return int(connection.getresponse().status != 200)
    except (OSError, HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
