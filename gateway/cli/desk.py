"""What a command stands on: the settings, the store beside the running service, who acts, and the journal."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway import assembly
from gateway.cli.access import with_store
from gateway.cli.operator import operator
from gateway.cli.options import CLIENT, settings_of
from gateway.domain.roles import Viewer
from gateway.flow.describe import Describer
from gateway.flow.journal import Journal
from gateway.settings import Settings
from gateway.store.store import Store

if TYPE_CHECKING:
    from gateway.hops import Hops
    from gateway.relay.smart_host import SmartHost

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Connections of this command's own to the servers that take our mail."""

    hops: Hops
    smart_host: SmartHost


@dataclass(frozen=True, slots=True)
class Desk:
    """What one command works with."""

    settings: Settings
    store: Store
    viewer: Viewer

    async def note(self, deed: str, named: object = "", detail: str = "") -> None:
        """Write into the journal what was done. deed: the name of the console's route that does it."""
        await Journal(self.store, now=time.time).note(self.viewer, deed, str(named), detail[:500], CLIENT)

    async def describe(self) -> None:
        """Put into the list what the service has not yet, or what came while none ran."""
        describer = Describer(self.store)
        while await describer.run_once():
            pass

    @asynccontextmanager
    async def ways_out(self) -> AsyncIterator[WaysOut]:
        """Open the ways out for a while."""
        # Imported here: few commands send anything.
        from gateway.hops import Hops
        from gateway.relay.smart_host import SmartHost

        async with AsyncExitStack() as stack:
            hops, smart_host = Hops(self.settings), SmartHost(assembly.smart_host_settings(self.settings))
            stack.push_async_callback(smart_host.close)
            stack.push_async_callback(hops.close)
            yield WaysOut(hops, smart_host)


def at_desk(config: Path | None, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Run work on the store of a configuration, as the person at the machine. Raises CommandError."""
    settings = settings_of(config)
    return with_store(config, lambda store: work(Desk(settings, store, operator())))
