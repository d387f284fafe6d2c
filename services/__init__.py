"""The services, and the command line that starts them and asks them."""

SERVICES = {
    "gateway": "gateway:build",
    "identity": "identity:build",
    "converter": "converter:build",
    "converter-worker": "converter:build_worker",
    "assignment": "assignment:build",
    "audit": "audit:build",
    "notifier": "notifier:build",
}
"""Everything a process can run: the folder of each, and what in its ``service.py`` builds it."""
