"""Running several calls at once: in asyncio and in threads, the one pair of modules that is written twice."""
