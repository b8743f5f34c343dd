"""Derives the typed client from the contract, and the sync client from the asyncio one."""
