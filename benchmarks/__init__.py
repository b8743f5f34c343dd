"""Measurements against named references."""

import os

# Development installs httpx2 as well, and a client would take it; the figures are about what `pip install mincloud` brings.
os.environ.setdefault("MINCLOUD_ENGINE", "httpx")
