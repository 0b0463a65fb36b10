"""The gateway as a whole process, between a name server, our mailboxes and the outside."""
