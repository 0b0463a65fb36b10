"""A challenge-response mail gateway: hold what is unknown, ask, deliver what is answered."""

__version__ = "0.1.0"
