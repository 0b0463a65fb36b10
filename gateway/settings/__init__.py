"""The settings: what there is (`schema`), how they are read (`load`), how they are told (`reference`)."""

from gateway.settings.load import SettingsError, load
from gateway.settings.schema import (
    Challenge,
    Dns,
    Domains,
    Evidence,
    Log,
    Monitor,
    Pending,
    Relay,
    Settings,
    Smtp,
    Store,
    Web,
)
from gateway.settings.sign_in_ways import SignInLdap
from gateway.settings.values import Endpoint, Network, read_secret

__all__ = [
    "Challenge",
    "Dns",
    "Domains",
    "Endpoint",
    "Evidence",
    "Log",
    "Monitor",
    "Network",
    "Pending",
    "Relay",
    "Settings",
    "SettingsError",
    "SignInLdap",
    "Smtp",
    "Store",
    "Web",
    "load",
    "read_secret",
]
