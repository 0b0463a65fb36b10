"""The door for incoming mail: SMTP on aiosmtpd, from the octets on the wire to a checked transaction."""
