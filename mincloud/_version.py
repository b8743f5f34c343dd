"""The version of this package, and how it calls itself to servers."""

VERSION = "0.1.0"
USER_AGENT = f"mincloud-py/{VERSION}"
