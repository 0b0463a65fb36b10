"""Further processes at the door: each takes mail as the service does, before the same store."""
