"""What every service lets operators see and do: its state, what it parked, what it tells again.

The gateway alone asks, inside; it puts the answers of all services together.
"""
