"""Builds the documentation and its pictures."""
