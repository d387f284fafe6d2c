"""Makes the secrets that docker-compose.yml mounts, those that are not there yet.

    python3 deploy/make_secrets.py DIRECTORY

Standard library only: it runs before anything is installed. Files are readable by all, because a
container's user is not this one; the directory is readable by its owner alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


def make_secrets(directory: Path) -> list[str]:
    """Write what is missing; return the names of what was written."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []

    def kept(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        path = directory / name
        if not path.exists():
            path.write_text(make(), encoding="ascii")
            path.chmod(0o444)
            made.append(name)
        return path.read_text(encoding="ascii")

    kept("secret_key")
    kept("audit_signing_key")
    kept("admin_password", lambda: secrets.token_urlsafe(15))
    kept("grafana_password", lambda: secrets.token_urlsafe(15))

    admin, login = kept("postgres_password"), kept("database_password")
    kept("database_admin_url", lambda: f"postgresql://postgres:{admin}@postgres:5432/marquee")
    kept("database_url", lambda: f"postgresql://marquee:{login}@postgres:5432/marquee")

    broker = kept("rabbitmq_password")
    kept("amqp_url", lambda: f"amqp://marquee:{broker}@rabbitmq:5672/")
    kept("rabbitmq_definitions", lambda: rabbitmq_definitions(broker))

    store = kept("s3_secret_key")
    kept("seaweedfs_s3", lambda: seaweedfs_identities(store))
    return made


def rabbitmq_definitions(password: str) -> str:
    """The definitions file with the user in it.

    RabbitMQ's hash: 4 bytes of salt before the SHA-256 of salt and password, in base64.
    """
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    definitions = json.loads((HERE / "rabbitmq/definitions.json").read_text(encoding="utf-8"))
    definitions["users"] = [
        {
            "name": "marquee",
            "password_hash": base64.b64encode(salt + digest).decode(),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["monitoring"],
        }
    ]
    return json.dumps(definitions, indent=2)


def seaweedfs_identities(secret_key: str) -> str:
    """Who may use the store: one, for everything."""
    credentials = [{"accessKey": "marquee", "secretKey": secret_key}]
    identity = {
        "name": "marquee",
        "credentials": credentials,
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    return json.dumps({"identities": [identity]}, indent=2)


if __name__ == "__main__":
    for name in make_secrets(Path(sys.argv[1])):
        print(f"made {sys.argv[1]}/{name}")
