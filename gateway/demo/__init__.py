"""The demo's world: a name server, our users' mailboxes, the strangers' mailboxes; all real sockets on this machine."""
