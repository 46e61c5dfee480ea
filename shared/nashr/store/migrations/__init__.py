"""Alembic migrations, shipped with the library so that any image can migrate."""
