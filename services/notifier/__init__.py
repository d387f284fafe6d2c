"""Tells people at once what happens: numbered events over WebSockets, or by polling.

Owns the schema ``notifier``: the recent events of each tenant, numbered without gaps. Publishes
nothing; its replicas tell each other of new events by ``notifier.events.stored``. Listens to
whatever a person may see.
"""
