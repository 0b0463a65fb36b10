"""Where the mails lie: bounded by number and by octets."""

from __future__ import annotations

from gateway.demo.shelf import Mail, Shelf


def mail(shelf: Shelf, recipient: str, octets: int, transaction: int) -> Mail:
    return Mail(
        number=shelf.next_number(recipient),
        transaction=transaction,
        reverse_path="",
        recipient=recipient,
        recipients=(recipient,),
        content=b"x" * octets,
        arrived_at=0.0,
        arrived_monotonic=0.0,
    )


async def fill(shelf: Shelf, recipients: list[str], octets: int, transaction: int) -> None:
    await shelf.put([mail(shelf, recipient, octets, transaction) for recipient in recipients])


async def test_shelf_keeps_the_newest_of_each_mailbox() -> None:
    shelf = Shelf(per_mailbox=3)
    for number in range(5):
        await fill(shelf, ["a@x.example"], 10, number)
    await fill(shelf, ["b@x.example"], 10, 9)
    assert [m.number for m in shelf.mails("a@x.example")] == [3, 4, 5]
    assert shelf.arrived("A@X.example") == 5
    assert shelf.arrived_total == 6
    assert [m.recipient[0] for m in shelf.all_mails()] == ["a", "a", "a", "b"]


async def test_shelf_drops_the_oldest_of_all_when_it_is_full() -> None:
    shelf = Shelf(total_octets=10_000)
    for number, box in enumerate(["a@x.example", "b@x.example", "a@x.example", "c@x.example"]):
        await fill(shelf, [box], 2_000, number)
    assert [m.transaction for m in shelf.all_mails()] == [1, 2, 3]
    assert shelf.mailboxes() == ["a@x.example", "b@x.example", "c@x.example"]
    assert [m.number for m in shelf.mails("a@x.example")] == [2]


async def test_shelf_counts_the_content_of_one_transaction_once() -> None:
    shelf = Shelf(total_octets=20_000)
    everyone = [f"{n}@x.example" for n in range(8)]
    await fill(shelf, everyone, 10_000, 1)
    assert len(shelf.all_mails()) == 8
    await fill(shelf, ["a@x.example"], 10_000, 2)
    assert [m.recipient for m in shelf.all_mails()] == ["a@x.example"]


async def test_shelf_keeps_at_least_the_newest_mail() -> None:
    shelf = Shelf(total_octets=100)
    await fill(shelf, ["a@x.example"], 5_000, 1)
    await fill(shelf, ["a@x.example"], 6_000, 2)
    assert [len(m.content) for m in shelf.all_mails()] == [6_000]


async def test_shelf_flood_of_empty_mails_is_bounded() -> None:
    shelf = Shelf(total_octets=100_000)
    for number in range(500):
        await fill(shelf, [f"{number}@x.example"], 0, number)
    assert len(shelf.all_mails()) < 100
    assert len(shelf.mailboxes()) < 100
