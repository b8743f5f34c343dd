"""Checks, rules and packages the contract."""
