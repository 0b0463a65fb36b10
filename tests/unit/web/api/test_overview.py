"""The overview over the API: the same numbers as in the console, of all domains within reach or of one."""

from __future__ import annotations

from gateway.domain.roles import Role
from gateway.flow.tally import HOUR, Happening, Slot
from tests.unit.web.api.conftest import Program
from tests.unit.web.console.house import NOW


async def test_overview_of_one_domain_is_for_who_looks_after_it(program: Program) -> None:
    counts = {Slot(int(NOW) // HOUR * HOUR, name, Happening.HELD): 10 for name in ("example.org", "other.example")}
    counts[Slot(int(NOW) // HOUR * HOUR, "example.org", Happening.UNDELIVERABLE)] = 1
    await program.house.store.transact(lambda tx: tx.tallies.add(counts))
    every = (await program.ask("GET", "/overview?span=7d", Role.SITE_ADMIN)).data
    assert (every["domain"], every["totals"]["held"]) == ("", 20)
    one = (await program.ask("GET", "/overview?span=7d&domain=Example.ORG", Role.DOMAIN_ADMIN)).data
    assert (one["domain"], one["totals"]["held"], one["scores"]) == ("example.org", 10, [])
    assert one["backscatter"] == {"tried": 1, "disowned": 0, "undeliverable": 1, "share": 1.0}
    assert sum(line["numbers"]["held"] for line in one["hours"]) == 10
    assert (await program.ask("GET", "/overview?domain=other.example", Role.DOMAIN_ADMIN)).status == 404


async def test_domains_and_templates_are_searched_by_their_names(program: Program) -> None:
    for at in ("/domains", "/templates"):
        found = (await program.ask("GET", f"{at}?words=OTHER", Role.SITE_ADMIN)).data
        assert (len(found["items"]), found["next"]) == (1, None)
        assert (await program.ask("GET", f"{at}?words=other", Role.DOMAIN_ADMIN)).data["items"] == []
        assert (await program.ask("GET", f"{at}?cursor=nonsense", Role.SITE_ADMIN)).status == 400
