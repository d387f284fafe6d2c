"""The web console: what administrators look at all day. TypeScript in ``src``, built into ``dist``.

The gateway serves the bundle; ``npm.py`` runs npm for the Makefile.
"""
