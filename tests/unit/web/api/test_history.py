"""Pages of history, asked for by a program and turned by hand, while the clock jumped."""

from __future__ import annotations

import html
import re

from gateway.domain.roles import Role
from tests.store.letters import NOW
from tests.store.test_history import passage, put
from tests.unit.web.api.conftest import Program

JUMPS = (0.0, 3600.25, -7200.5, 0.125)


async def test_pages_show_each_line_once_whatever_the_clock_did(program: Program) -> None:
    sent = [passage(number, at=NOW + 1e4 + JUMPS[number % 4]) for number in range(110)]
    await put(program.house.store, *sent)
    found, cursor = list[dict[str, str]](), ""
    while cursor is not None:
        page = (await program.ask("GET", f"/history?state=relayed&limit=30&cursor={cursor}", Role.SITE_ADMIN)).data
        found, cursor = [*found, *page["items"]], page["next"]
    assert [line["at"] for line in found] == sorted((line["at"] for line in found), reverse=True)
    assert sorted(line["transaction_id"] for line in found) == sorted(f"t{number}" for number in range(110))
    assert (await program.ask("GET", "/history?cursor=x", Role.SITE_ADMIN)).status == 400
    # The console's, by the links on each.
    link, shown = "console/history?state=relayed", 0
    while link:
        headers = {"Cookie": f"session={program.house.secrets[Role.SITE_ADMIN]}"}
        text = await (await program.house.client.get(f"/{html.unescape(link)}", headers=headers)).text()
        shown += text.count("Ann@elm.example")
        link = next(iter(re.findall(r'href="[./]*(console/history\?[^"]*behind=[^"]*)"', text)), "")
    assert shown == 110
