"""`challenges`, `db` and `audit`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.cli.upkeep import foreign_owner
from gateway.domain.lifecycle import ChallengeState
from gateway.store.tables import journal
from tests.store.letters import DAY, NOW, keep, message, row
from tests.unit.cli.shell import Shell


def test_db_upgrade_makes_a_store_that_only_its_user_reads(bare: Shell) -> None:
    outcome = bare("db", "upgrade")
    assert (outcome.status, outcome.out, outcome.err) == (0, "the store is up to date\n", "")
    assert bare.store_file.stat().st_mode & 0o077 == 0
    assert bare("db", "upgrade").status == 0


def test_db_upgrade_makes_the_folders_it_needs(bare: Shell) -> None:
    bare.settings({"store": {"url": "sqlite:///deep/er/gateway.db"}})
    assert bare("db", "upgrade").status == 0
    assert (bare.folder / "deep/er/gateway.db").exists()


def test_db_upgrade_by_root_in_a_folder_of_another_is_refused(tmp_path: Path) -> None:
    assert foreign_owner(tmp_path / "none" / "gateway.db", user=os.geteuid()) is None
    assert foreign_owner(tmp_path / "none" / "gateway.db", user=os.geteuid() + 1) is None
    if os.geteuid() == 0:
        os.chown(tmp_path, 4711, 4711)
    owner = tmp_path.stat()
    expected = None if owner.st_uid == 0 else (tmp_path, owner.st_uid, owner.st_gid)
    assert foreign_owner(tmp_path / "none" / "gateway.db", user=0) == expected


def test_db_check_says_how_old_the_store_is(bare: Shell) -> None:
    empty = bare("db", "check")
    assert (empty.status, empty.out) == (1, "")
    assert "no store yet" in empty.err
    assert bare("db", "check", "--json").data == {"age": "empty", "file": str(bare.store_file)}
    assert not bare.store_file.exists()
    bare.make()
    assert bare("db", "check").out == "the store is up to date\n"
    current = bare("db", "check", "--json")
    assert (current.status, current.data["age"]) == (0, "current")


def test_challenges_list_shows_them(shell: Shell) -> None:
    assert shell("challenges", "list", terminal=True).out == "No challenges.\n"
    shell.hold("Roof", ask=True)
    shell.hold("Garden", ask=True)
    assert [one["subject"] for one in shell("challenges", "list", "--json").data] == ["Garden", "Roof"]
    shell.change(lambda tx: tx.challenges.move(1, ChallengeState.WITHHELD, NOW, "over-budget"))
    assert [one["id"] for one in shell("challenges", "list", "--state", "withheld", "--json").data] == [1]
    assert "over-budget" in shell("challenges", "list").out
    newest = shell("challenges", "list", "--most", "1")
    assert "--most N shows more" in newest.err


def test_challenges_ask_again_sends_one_more_within_the_caps_and_writes_it_down(shell: Shell) -> None:
    then = time.time() - 10 * DAY
    held = shell.with_store(lambda store: keep(store, message("Roof", at=then), row(at=then), ask=True))
    done = shell("challenges", "ask-again", "1", "--json")
    assert done.data == {"challenge": 2, "mail": held.rows[0]}
    assert [one["id"] for one in shell("challenges", "list", "--json").data] == [2, 1]
    again = shell("challenges", "ask-again", "1")
    assert again.status == 1
    assert "not asked: the sender was asked not long ago; it can be asked again from " in again.err
    assert "no mail waits for an answer to challenge 9" in shell("challenges", "ask-again", "9").err
    assert "all is well" in shell("audit").out
    (deed,) = shell.with_store(lambda store: store.look(lambda tx: tx.connection.execute(select(journal)).all()))
    assert (deed.deed, deed.object, deed.detail, deed.client) == (
        "message-ask-again", str(held.rows[0]), "challenge 2", "command line",
    )  # fmt: skip


def test_audit_of_a_sound_store_ends_with_0(shell: Shell) -> None:
    shell.hold(ask=True)
    outcome = shell("audit")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == "1 messages for 1 recipients: 1 pending; 1 challenges\nall is well\n"
    assert shell("audit", "--json").data == {
        "messages": 1,
        "rows": 1,
        "challenges": 1,
        "states": {"pending": 1},
        "faults": [],
    }


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE content SET octets = x'41'", "is not what was accepted"),
        ("DELETE FROM content", "content is gone"),
        ("UPDATE pending SET state = 'deleted'", "its history ends with pending"),
        ("UPDATE pending SET state = '\x1b[31m'", "is no state"),
        ("DELETE FROM event", "ends with nothing"),
        ("UPDATE challenge SET state = 'sent'", "no link leads to it"),
        ("UPDATE challenge SET due_at = NULL", "no attempt is due"),
    ],
)
def test_audit_of_a_store_with_a_fault_names_it_and_ends_with_1(shell: Shell, damage: str, words: str) -> None:
    shell.hold(ask=True)
    shell.change(lambda tx: tx.connection.exec_driver_sql(damage))
    outcome = shell("audit")
    assert outcome.status == 1
    assert words in outcome.out
    assert outcome.out.endswith("1 faults\n")
    assert "\x1b" not in outcome.out
    told = shell("audit", "--json")
    assert (told.status, len(told.data["faults"])) == (1, 1)


def test_audit_finds_released_mail_that_nobody_would_deliver_and_rows_that_stand_twice(shell: Shell) -> None:
    shell.hold()
    shell("pending", "deliver", "1")
    assert shell("audit").status == 0
    shell.change(lambda tx: tx.connection.exec_driver_sql("UPDATE pending SET due_at = NULL"))
    assert "no delivery is due" in shell("audit").out
    # Of this list, columns that the database works out itself are none.
    told = shell.change(lambda tx: tx.connection.exec_driver_sql("PRAGMA table_info(pending)").all())
    columns = ", ".join(row[1] for row in told)
    shell.change(lambda tx: tx.connection.exec_driver_sql(f"CREATE TABLE copy AS SELECT {columns} FROM pending"))
    shell.change(lambda tx: tx.connection.exec_driver_sql("UPDATE copy SET id = 2"))
    shell.change(lambda tx: tx.connection.exec_driver_sql(f"INSERT INTO pending ({columns}) SELECT * FROM copy"))
    assert "stands twice for one recipient" in shell("audit").out
