"""What a hostile client tried from outside: nothing of it stops the service, or makes it write to a third party."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measure import family, peak_megabytes
from benchmarks.places import wait_until
from tests.peers.letters import letter, link_in
from tests.peers.solver import fetch, work
from tests.system.conftest import FORGER, MakeSite, Site

ADA = "ada@stranger.example"
JOE = "joe@example.org"
VICTIM = "victim@friend.example"
MEGABYTE = 1_048_576


def test_mail_that_is_all_header_is_refused_within_bounded_memory(site: Site) -> None:
    content = b"A:\r\n" * (10 * MEGABYTE)
    assert site.send(ADA, JOE, content)[0] == 552
    # Twice the content on its way in, and what the service holds anyway; it once took forty times the content.
    assert max(peak_megabytes(pid) for pid in family(site.gateway.pid)) < 400
    assert site.send(ADA, JOE, letter(ADA, JOE))[0] == 250


def test_header_too_big_behind_a_queue_does_not_bounce_to_whom_a_forger_names(make_site: MakeSite) -> None:
    site = make_site({"smtp.stage": "after-queue"})
    content = letter(VICTIM, JOE).replace(b"SUBJECT:", b"X-Filler: 0123456789\r\n" * 20_000 + b"SUBJECT:")
    assert site.send(VICTIM, JOE, content, client=FORGER)[0] == 250
    (row,) = site.gateway.data("pending", "list")
    assert row["silence"] == "unproven-sender"


def test_locked_store_defers_in_one_line_and_serves_again(make_site: MakeSite) -> None:
    site = make_site()
    other = sqlite3.connect(site.gateway.folder / "gateway.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert site.send(ADA, JOE, letter(ADA, JOE))[0] == 451
    other.execute("ROLLBACK")
    other.close()
    assert site.send(ADA, JOE, letter(ADA, JOE))[0] == 250
    wait_until(lambda: "the store cannot be used now" in site.gateway.log(), "the line is written")
    assert "Traceback" not in site.gateway.log()


def test_fifty_right_answers_at_once_release_once(site: Site) -> None:
    site.send(ADA, JOE, letter(ADA, JOE))
    (challenge,) = site.around.outside.wait(ADA)
    link = link_in(challenge.content)
    puzzles = fetch(link, accept="application/json").data["puzzles"]
    (puzzle,) = [each for each in puzzles if each["kind"] == "proof-of-work"]
    fields = {"puzzle": puzzle["puzzle"], "answer": work(puzzle["puzzle"], puzzle["bits"], puzzle["iterations"])}
    with ThreadPoolExecutor(25) as threads:
        pages = list(threads.map(lambda _: fetch(link, "POST", fields), range(50)))
    assert {page.status for page in pages} == {303}
    assert len({page.location for page in pages}) == 1
    (_arrived,) = site.around.inside.wait(JOE)
    site.send(ADA, JOE, letter(ADA, JOE, "Afterwards"))
    assert len(site.around.inside.mails(JOE)) == 2
