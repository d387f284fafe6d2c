"""The product measured against the smallest honest programs that do the same work."""
