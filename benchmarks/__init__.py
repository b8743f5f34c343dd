"""Measurements against named references."""
