"""The end of a conversation that aiosmtplib led."""

from __future__ import annotations

import asyncio

import aiosmtplib


def hang_up(smtp: aiosmtplib.SMTP, *, quit_first: bool = False) -> None:
    """End the connection. quit_first: the server expects a command, so that it may be told QUIT.

    Where it may not, at once: a transport that is merely closed stays until a server that does not read has read all
    that was written, and with TLS until that server has said good-bye or asyncio's 30 seconds are over.
    """
    transport = smtp.transport
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        if quit_first:
            transport.write(b"QUIT\r\n")
        else:
            transport.abort()
    smtp.close()
