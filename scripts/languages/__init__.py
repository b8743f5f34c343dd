"""Generates clients in other languages, and runs the stories through those that have a driver."""
