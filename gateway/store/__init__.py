"""The durable memory: SQLAlchemy Core over one SQLite file, one writer with group commit."""
