"""Durable records of a scheduler: SQLite, PostgreSQL, and an in-memory twin."""
