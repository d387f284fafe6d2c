"""The entrance: who is asking, found out from what a request from outside brings along.

Whoever lets people in has one: the gateway for everything, the notifier for WebSockets that were
routed straight to it. Other services believe only what is sealed (``shared/web/actor.py``).
"""
