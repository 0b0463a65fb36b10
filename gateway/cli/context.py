"""What a command stands on: the settings, the store beside the running service, who acts, and the journal."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.access import with_store
from gateway.cli.faults import CommandError
from gateway.cli.operator import operator
from gateway.cli.options import CLIENT, settings_of
from gateway.cli.output import progress
from gateway.domain.roles import Viewer
from gateway.flow.describe import Describer
from gateway.flow.journal import Journal
from gateway.log import escape
from gateway.settings import Settings
from gateway.store.store import Store

if TYPE_CHECKING:
    from gateway.flow.courier import Courier
    from gateway.hops import Hops

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Connections of this command's own to the servers that take our mail."""

    hops: Hops
    courier: Courier
    """Brings our letters."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What one command works with."""

    settings: Settings
    store: Store
    viewer: Viewer

    async def note(self, deed: str, named: object = "", detail: str = "") -> None:
        """Write into the journal what was done; see `noted`."""
        await noted(self.store, deed, named, detail)

    async def describe(self) -> None:
        """Put into the list what the service has not yet, or what came while none ran."""
        describer, count = Describer(self.store), 0
        with progress("looking at new mail") as told:
            while some := await describer.run_once():
                count += some
                told(count, 0)

    async def account(self, name: str) -> int:
        """Return the number of an account, by its name or an address of its own. Raises CommandError."""
        found = await self.store.look(lambda tx: tx.accounts.by_name(name))
        if found is None:
            raise CommandError(f"there is no account {escape(name)}; `challenge-gateway account list` lists them")
        return found.id

    @asynccontextmanager
    async def ways_out(self) -> AsyncIterator[WaysOut]:
        """Open the ways out for a while."""
        # Imported here: few commands send anything.
        from gateway import assembly, verbs
        from gateway.hops import Hops
        from gateway.relay.smart_host import SmartHost

        async with AsyncExitStack() as stack:
            hops, smart_host = Hops(self.settings), SmartHost(assembly.smart_host_settings(self.settings))
            stack.push_async_callback(smart_host.close)
            stack.push_async_callback(hops.close)
            key = await self.store.key("site")
            courier = verbs.make_courier(self.settings, hops.of, smart_host.send, time.time, key, self.store)
            yield WaysOut(hops, courier)


async def noted(store: Store, deed: str, named: object = "", detail: str = "") -> None:
    """Write into the journal what the person at the machine did. deed: the name of the console's route that does it."""
    await Journal(store, now=time.time).note(operator(), deed, str(named)[:200], detail[:500], CLIENT)


def in_context(config: Path | None, work: Callable[[CommandContext], Awaitable[T]]) -> T:
    """Run work on the store of a configuration, as the person at the machine. Raises CommandError."""
    settings = settings_of(config)
    return with_store(config, lambda store: work(CommandContext(settings, store, operator())))
