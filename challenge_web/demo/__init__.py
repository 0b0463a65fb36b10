"""The demo's page: a newcomer writes a mail as a stranger and sees the whole story. Exists only under `demo`."""

from challenge_web.demo.routes import add_demo_routes
from challenge_web.demo.view import DemoView, Held

__all__ = ["DemoView", "Held", "add_demo_routes"]
