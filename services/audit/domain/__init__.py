"""What becomes an entry of the trail, and how the trail is sealed: pure, without I/O or clock."""
