"""Loops that take work from the store: claim with a lease, do it, save."""
