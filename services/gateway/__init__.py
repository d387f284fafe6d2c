"""The only public door: authenticates, routes, streams, serves media and the API documents.

Owns nothing and publishes nothing. Listens to ``identity.credential.revoked``; it calls the other
services over plain HTTP.
"""
