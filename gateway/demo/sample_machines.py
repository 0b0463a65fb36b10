"""What machines sent: lists, newsletters, receipts, notices."""

from __future__ import annotations

from gateway.demo.samples import PROVEN, SENT, File, Sample

_BOTH = ("joe@example.org", "mia@example.org")
_MIA = ("mia@example.org",)

_CALENDAR = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//demo//EN\r\nBEGIN:VEVENT\r\nUID:1@dentist.example\r\n"
    b"DTSTART:20270115T090000Z\r\nSUMMARY:Check-up\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _page(title: str, host: str, text: str) -> str:
    return (
        f'<html><body style="background:#fff"><img src="https://img.{host}/head.png" alt="{title}" width="600">'
        f'<h1>{title}</h1><p>{text}</p><p><a href="https://{host}/read">Read on</a></p>'
        f'<img src="https://count.{host}/open.gif?to=joe" width="1" height="1" alt=""></body></html>'
    )


def _newsletter(
    hours: float, number: int, week: str, score: float, to: tuple[str, ...] = ("joe@example.org",)
) -> Sample:
    text = f"{week} in our shop: lamps for long evenings, and a chair that folds."
    return Sample(
        hours,
        "Lamps & Chairs",
        "news@lampshop.example",
        f"{week}: light for long evenings",
        text,
        to=to,
        html=_page(week, "lampshop.example", text),
        bounces=f"bounce-{number}@mail.lampshop.example",
        more=(
            ("List-Id", "Lamps and chairs <news.lampshop.example>"),
            ("List-Unsubscribe", "<https://lampshop.example/leave>"),
            ("Precedence", "bulk"),
        ),
        score=score,
    )


def _list(hours: float, name: str, local: str, subject: str, text: str, score: float) -> Sample:
    return Sample(
        hours,
        name,
        f"{local}@roofers-forum.example",
        f"[roofers] {subject}",
        text,
        bounces="roofers-bounces@lists.roofers-forum.example",
        more=(
            ("List-Id", "Talk among roofers <roofers.lists.roofers-forum.example>"),
            ("List-Post", "<mailto:roofers@lists.roofers-forum.example>"),
            ("Precedence", "list"),
        ),
        score=score,
    )


def _notice(
    hours: float,
    name: str,
    address: str,
    subject: str,
    text: str,
    *,
    to: tuple[str, ...] = ("joe@example.org",),
    files: tuple[File, ...] = (),
    proof: str = PROVEN,
    score: float | None = None,
) -> Sample:
    return Sample(
        hours,
        name,
        address,
        subject,
        text,
        to=to,
        files=files,
        proof=proof,
        more=(("Auto-Submitted", "auto-generated"),),
        score=score,
    )


MACHINE_MAIL = (
    _newsletter(2.1, 904, "Week 47", 3.4, _BOTH),
    _newsletter(170.5, 871, "Week 46", 2.9),
    _newsletter(317.0, 833, "Week 45", 3.1),
    _list(
        0.9,
        "Bo Lindqvist",
        "bo",
        "Re: moss on the north side",
        "We brush it off each spring.\n\n> What helps?\n\nBo",
        -1.2,
    ),
    _list(5.2, "Carla Nunes", "carla", "moss on the north side", "What helps against moss on slate?\n\nCarla", -0.9),
    _list(
        48.5, "Bo Lindqvist", "bo", "Copper nails: where to get them", "I am out of copper nails. Any hint?\n\nBo", -1.4
    ),
    _list(
        145.0,
        "Dev Patel",
        "dev",
        "New rules for scaffolds from January",
        "The new rules are out; see page 12.\n\nDev",
        -0.7,
    ),
    _notice(
        1.7,
        "Railway tickets",
        "no-reply@railway-tickets.example",
        "Your ticket to Harbour Town, Friday, 08:12",
        "Your ticket is attached. Show it on paper or on your telephone.",
        files=(File("ticket-QX81.pdf", "application/pdf", b"%PDF-1.4\n" + b"% ticket\n" * 4000),),
        score=-0.5,
    ),
    _notice(
        8.3,
        "Book Barn",
        "orders@bookbarn.example",
        "Receipt for your order 100-2281",
        "Thank you for your order.\n\n1 x Roofs of the world    24.00\n1 x Postage               3.50\nTotal                    27.50",
        files=(File("receipt-100-2281.pdf", "application/pdf", b"%PDF-1.4\n" + b"% receipt\n" * 900),),
        score=0.2,
    ),
    _notice(
        11.0,
        "Parcel on its way",
        "tracking@parcels-north.example",
        "Your parcel comes tomorrow between 10 and 12",
        "Your parcel with the number 7731 comes tomorrow between 10 and 12. You need not be at home.",
        to=_MIA,
        score=2.6,
    ),
    _notice(
        16.5,
        "Code for signing in",
        "no-reply@photo-album.example",
        "481 220 is your code",
        "Your code is 481 220. It is good for ten minutes. If you did not ask for it, you need not do anything.",
        score=1.0,
    ),
    _notice(
        28.0,
        "Dr. Bloom, dentist",
        "reminder@dentist-bloom.example",
        "Your check-up in January",
        "We look forward to seeing you. The date is attached for your calendar.",
        files=(File("check-up.ics", "text/calendar", _CALENDAR),),
        score=-0.1,
    ),
    _notice(
        44.0,
        "Backup of server two",
        "root@server-two.example",
        "backup: finished with 3 warnings",
        "02:00 begun\n02:41 finished\n3 files were in use and left out.",
        proof=SENT,
        to=_MIA,
    ),
    _notice(
        69.0,
        "City library",
        "loans@city-library.example",
        "Two books are due on Monday",
        "Please bring back: Slate and tin; The gutter book. You can lend them for four weeks more on our pages.",
        score=-0.9,
    ),
    _notice(
        93.0,
        "Power company",
        "invoices@power-company.example",
        "Your invoice of last month",
        "Your invoice of last month is attached. We take the money from your account on the 28th.",
        to=_BOTH,
        files=(File("invoice-10-4471.pdf", "application/pdf", b"%PDF-1.4\n" + b"% invoice\n" * 2000),),
        score=0.4,
    ),
    _notice(
        190.0,
        "Weather for sailors",
        "warnings@coast-weather.example",
        "Gale warning for the outer bay",
        "From noon on wind from the west, force 8, gusts of 9.",
        to=_MIA,
        score=0.1,
    ),
)
