"""The verbs of the command line: a client of the gateway, like any other.

It speaks HTTP and imports nothing of the services. What a program may want to read goes to stdout,
as a table or as JSON; everything said to a person goes to stderr.
"""
