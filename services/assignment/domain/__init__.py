"""The rules of assigning and taking back: pure decisions on frozen values.

No I/O, no clock, no randomness: times and ids come in as arguments.
"""
