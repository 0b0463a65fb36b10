"""The strangers one can be, and what they write when nobody types anything else."""

from __future__ import annotations

from dataclasses import dataclass

RECIPIENTS = (
    ("joe@example.org", "Joe"),
    ("mia@example.org", "Mia, his colleague"),
    ("nobody@example.org", "no such mailbox"),
)
"""To whom one can write, and what is said of them."""

NEW = "new"
"""Key of the person who is somebody else each time."""


@dataclass(frozen=True, slots=True)
class Person:
    """A stranger."""

    key: str
    name: str
    address: str
    note: str
    """What is special about this one, a short sentence."""
    tag: str = ""
    """The same in one or two words."""
    forged: bool = False
    """The address belongs to somebody else."""
    subject: str = "Lunch on Friday?"
    text: str = (
        "Dear Joe,\n\nwe met at the fair last week. I would like to show you our new roof tiles.\n"
        "Have you got an hour for lunch on Friday?\n\nKind regards\n{name}\n"
    )

    @property
    def letter(self) -> str:
        """The text with the name below it."""
        return self.text.replace("{name}", self.name)


PEOPLE = (
    Person("ada", "Ada Tiler", "ada@stranger.example", "A person. Her domain vouches for her mail (SPF)."),
    Person(
        "ben",
        "Ben Oakes",
        "ben@oak.example",
        "Another person, another domain; proven too.",
        subject="Your lost umbrella",
        text="Hello Joe,\n\nyou left your umbrella with us on Tuesday. Shall I send it to you?\n\nBest wishes\n{name}\n",
    ),
    Person(
        "bank",
        "Your Bank",
        "service@bank.example",
        "A forger. The bank's domain says: not from this machine.",
        tag="forged",
        forged=True,
        subject="Your account will be closed",
        text="Dear customer,\n\nplease send us your password at once, or your account will be closed.\n\n{name}\n",
    ),
    Person(
        "paul",
        "Paul Plain",
        "paul@plain.example",
        "Nobody vouches for him: his domain has no SPF record.",
        tag="unproven",
        subject="A question",
        text="Hi Joe,\n\nis the flat still free?\n\n{name}\n",
    ),
)

_FIRST = ("Cleo", "Dora", "Emil", "Finn", "Gwen", "Hugo", "Ines", "Jona", "Kim", "Lena", "Milo", "Nora", "Otto", "Pia")
_LAST = ("Brook", "Ford", "Rivers", "Banks", "Wells", "Pool", "Marsh", "Lake", "Stone", "Field")


def somebody_new(number: int) -> Person:
    """Return a person nobody has heard of. number: any; decides who it is."""
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST) % len(_LAST)]
    count = number // (len(_FIRST) * len(_LAST))
    address = f"{first}.{last}{count or ''}@river.example".lower()
    return Person(NEW, f"{first} {last}", address, "Somebody new each time; proven by SPF.", tag="somebody new")


def person(key: str, number: int) -> Person | None:
    """Return who belongs to a key of the form, or None."""
    if key == NEW:
        return somebody_new(number)
    return next((one for one in PEOPLE if one.key == key), None)
