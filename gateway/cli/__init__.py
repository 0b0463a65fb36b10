"""The command line: every command takes --config and works beside the running service on the same store."""
