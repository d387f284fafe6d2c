"""What an operator applies as it stands is checked here: manifests, alert rules and dashboards.

``python -m deploy.check`` needs no cluster, no network and no program but Python. Where kubectl or
promtool are, they have their say as well.
"""
