"""Logs: one JSON object a line, a constant event name and fields."""
