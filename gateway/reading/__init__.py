"""Reads what others wrote, in a process of its own that may be killed at any time: parts, text, cleaned HTML."""
