"""Decisions about media and jobs: pure, without clock, randomness or files."""
