"""Finds changes that break users, and records what a release promises."""
