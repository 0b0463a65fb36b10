"""The tables of words that people chose: of challenges, and of notices."""

from __future__ import annotations

from sqlalchemy import Column, Float, LargeBinary, String, Table, Text

from gateway.store.tables.core import metadata


def _words_of(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("scope", Text, primary_key=True, comment="empty: the site; @domain"),
        Column("language", String(35), primary_key=True),
        Column("subject", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("html", Text, nullable=False),
        Column("from_line", Text, nullable=False),
        Column(
            "shipped", LargeBinary(32), nullable=False, comment="hash of the shipped texts that these were made from"
        ),
        Column("changed_by", Text, nullable=False),
        Column("changed_at", Float, nullable=False),
        sqlite_with_rowid=False,
    )


challenge_text = _words_of("challenge_text")
notice_text = _words_of("notice_text")
