"""The interface for programs: what the console does, as JSON, at /api/v1/."""
