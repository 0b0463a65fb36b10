"""What a session hands to its door: the transaction, as the client told it."""

from __future__ import annotations

from tests.unit.smtp.scripted_door import EVERYTHING, SETTINGS, ScriptedDoor
from tests.unit.smtp.wire import ENVELOPE, Line, opened


async def test_transaction_carries_what_the_client_said() -> None:
    door = ScriptedDoor(offered=EVERYTHING)
    line = await Line.to(door, SETTINGS, peer="::ffff:198.51.100.7")
    await line.send(
        b"EHLO client.example.net",
        b"MAIL FROM:<Anna@Example.NET> SIZE=20 BODY=8BITMIME RET=FULL ENVID=Qq+2Bx",
        b"RCPT TO:<b@example.org> NOTIFY=NEVER ORCPT=rfc822;Bb@example.org",
        b"RCPT TO:<B@EXAMPLE.org>",
        b"DATA",
    )
    await line.send(b"..x", b".")
    [(transaction, content)] = door.taken
    assert content == b".x\r\n"
    client = transaction.client
    assert (client.address, client.port, client.helo, client.protocol) == (
        "198.51.100.7",
        40000,
        "client.example.net",
        "ESMTP",
    )
    assert transaction.reverse_path.text == "Anna@Example.NET"
    assert (transaction.size, transaction.body_8bit, transaction.ret, transaction.envid) == (20, True, "FULL", "Qq+2Bx")
    [recipient] = transaction.recipients
    assert (recipient.address.text, recipient.notify, recipient.orcpt) == (
        "b@example.org",
        "NEVER",
        "rfc822;Bb@example.org",
    )
    assert len(transaction.id) == 12


async def test_transaction_with_smtputf8_is_named_so() -> None:
    door = ScriptedDoor(offered=EVERYTHING)
    line = await Line.to(door, SETTINGS)
    await line.send(
        b"EHLO c", "MAIL FROM:<ä@b.example> SMTPUTF8".encode(), "RCPT TO:<ü@münchen.example>".encode(), b"DATA"
    )
    await line.send(b".")
    [(transaction, _)] = door.taken
    assert transaction.smtputf8
    assert transaction.client.protocol == "UTF8SMTP"


async def test_transaction_is_that_of_the_client_xforward_named_and_the_next_is_not() -> None:
    door = ScriptedDoor()
    line = await Line.to(door, SETTINGS)
    await line.send(ENVELOPE[0], b"XFORWARD NAME=x.example.net ADDR=IPV6:2001:db8::9 IDENT=Q1", *ENVELOPE[1:], b"DATA")
    await line.send(b".", *ENVELOPE[1:], b"DATA")
    await line.send(b".", b"XFORWARD ADDR=198.51.100.1", b"RSET", *ENVELOPE[1:], b"DATA")
    await line.send(b".")
    first, second, third = (transaction.client for transaction, _ in door.taken)
    assert (first.address, first.name, first.helo, first.queue_id) == ("2001:db8::9", "x.example.net", "", "Q1")
    assert (second.address, second.helo) == ("127.0.0.1", "client.example.net")
    assert third == second


async def test_transaction_is_that_of_the_client_xclient_put_in_place() -> None:
    door = ScriptedDoor()
    line = await Line.to(door, SETTINGS)
    await line.send(ENVELOPE[0], b"XCLIENT NAME=x.example.net ADDR=198.51.100.1 PORT=9", *ENVELOPE, b"DATA")
    await line.send(b".", *ENVELOPE[1:], b"DATA")
    await line.send(b".")
    for transaction, _ in door.taken:
        client = transaction.client
        assert (client.address, client.port, client.name) == ("198.51.100.1", 9, "x.example.net")
        assert (client.helo, client.protocol) == ("client.example.net", "ESMTP")
    assert len(door.taken) == 2


async def test_transaction_ids_differ() -> None:
    door = ScriptedDoor()
    line = await opened(door)
    await line.send(b".", *ENVELOPE[1:], b"DATA", b".")
    first, second = (transaction.id for transaction, _ in door.taken)
    assert first != second
