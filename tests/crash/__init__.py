"""Killed, starved, traced: what was acknowledged is there afterwards."""
