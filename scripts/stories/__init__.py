"""Runs the stories of the contract: requests and the answers that are expected, as data, against a server."""
