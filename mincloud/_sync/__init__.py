# Derived from mincloud/_async/__init__.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The client for threads and plain scripts, derived from `mincloud._async`."""
