"""Every SMTP reply we can give. The texts name no mechanism, path or host (RFC 5321 §4.2, RFC 3463)."""

from __future__ import annotations

from gateway.domain.value import value_class

_MAX_TEXT = 400  # RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets with code and CRLF.


@value_class(frozen=True, slots=True)
class Reply:
    """One reply: a code, an enhanced status code and a text. Lines of the text are parted by LF."""

    code: int
    enhanced: str
    """`5.7.1` (RFC 3463 §2); "" where none is allowed, as after EHLO."""
    text: str

    @property
    def accepted(self) -> bool:
        """2yz."""
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        """4yz: the client shall try again."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """5yz: the client shall not try again."""
        return self.code >= 500

    def __str__(self) -> str:
        codes = f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)
        return f"{codes} {self.text}".replace("\n", " ") if self.text else codes

    def lines(self) -> str:
        """The reply as it goes over the wire, CRLF after each line, each under 512 octets."""
        prefix = f"{self.enhanced} " if self.enhanced else ""
        lines = [prefix + line[:_MAX_TEXT] for line in self.text.split("\n")] or [prefix]
        head = "".join(f"{self.code}-{line}\r\n" for line in lines[:-1])
        return f"{head}{self.code} {lines[-1]}\r\n"


OK = Reply(250, "2.0.0", "OK")
MAIL_OK = Reply(250, "2.1.0", "Sender OK")
RCPT_OK = Reply(250, "2.1.5", "Recipient OK")
HELD = Reply(250, "2.0.0", "OK, taken over")
START_DATA = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
BYE = Reply(221, "2.0.0", "Bye")
VRFY = Reply(252, "2.5.2", "Cannot verify, but will take mail for our users")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")

SHUTTING_DOWN = Reply(421, "4.3.2", "Service is shutting down, try again later")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
TIMEOUT = Reply(421, "4.4.2", "Timeout, closing connection")
TOO_SLOW = Reply(421, "4.4.2", "Data came too slowly, closing connection")

TRY_LATER = Reply(451, "4.3.0", "Cannot take this mail now, try again later")
NEXT_HOP_DOWN = Reply(451, "4.4.1", "Cannot pass this mail on now, try again later")
NO_STORAGE = Reply(452, "4.3.1", "Not enough storage now, try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the rest in another transaction")
RELAY_DEFERRED = Reply(450, "4.7.1", "We do not take mail for this domain")

BAD_COMMAND = Reply(500, "5.5.2", "Command not recognised")
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")
BAD_SYNTAX = Reply(501, "5.5.4", "Syntax error in parameters")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
BAD_SEQUENCE = Reply(503, "5.5.1", "Bad sequence of commands")
BAD_PARAMETER = Reply(555, "5.5.4", "Parameter not recognised")
BAD_SENDER = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT = Reply(501, "5.1.3", "Bad recipient address syntax")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "Address needs SMTPUTF8")
HOP_LACKS_SMTPUTF8 = Reply(550, "5.6.7", "This mail needs SMTPUTF8, which the recipient's server does not offer")
TLS_REQUIRED = Reply(530, "5.7.0", "Must issue a STARTTLS command first")

TOO_BIG = Reply(552, "5.3.4", "Message is larger than we take")
CLIENT_REFUSED = Reply(554, "5.7.1", "Only mail servers of this site may come here")
NOT_OUR_DOMAIN = Reply(550, "5.7.1", "We do not take mail for this domain")
REFUSED_BY_POLICY = Reply(550, "5.7.1", "Mail from this sender is not accepted")
LOOP = Reply(554, "5.4.6", "Too many hops, this mail seems to loop")
BARE_LINE_END = Reply(550, "5.6.0", "Bare CR or LF in the message, lines must end with CRLF")
HEADER_TOO_BIG = Reply(552, "5.3.4", "Message header is larger than we take")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
TALKED_TOO_EARLY = Reply(554, "5.5.1", "Wait for the greeting before you speak")
BARE_LF = Reply(500, "5.5.2", "Commands must end with CRLF")
BAD_HOST = Reply(501, "5.5.4", "Name a domain or an address literal")
NOT_A_WEB_SERVER = Reply(421, "4.7.0", "This is a mail server")
NO_CHUNKING = Reply(502, "5.5.1", "CHUNKING was not offered")
NOT_AUTHORISED = Reply(550, "5.7.0", "Insufficient authorization")
HELP = Reply(214, "2.0.0", "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY QUIT (RFC 5321)")
HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO first")
