"""The client for asyncio, and the one source: `scripts/codegen/derive_sync.py` derives `mincloud._sync` from it."""
