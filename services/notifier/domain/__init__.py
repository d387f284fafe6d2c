"""Who may be told what, and whether a listener can catch up. No I/O, no clock."""
