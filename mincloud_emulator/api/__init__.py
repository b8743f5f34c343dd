"""The HTTP side of the emulator: routes, requests and operations."""
