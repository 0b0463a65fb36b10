"""The web face: the pages a mail sender meets, and the listener that operators' machines ask."""
