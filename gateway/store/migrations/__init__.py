"""Steps from one schema to the next; see env.py."""
