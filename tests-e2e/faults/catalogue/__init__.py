"""The faults, in modules by what they break."""
