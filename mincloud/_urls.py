"""URLs: redaction, hosts and origins, redirects, and the proxy that the environment names for one."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from .errors import ConfigurationError


def redact_url(url: str) -> str:
    """A URL without its secrets: without query and fragment, where signatures and codes stand, and without user and password."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, separator, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def redact_queries(text: str) -> str:
    """A text with its URLs without their queries, where signatures stand."""
    return _URL_WITH_QUERY.sub(r"\1?***", text)


# Its slashes may be escaped, as in JSON.
_URL_WITH_QUERY = re.compile(r"""(https?:[^\s"'<>?]*)\?[^\s"'<>]*""")


def ascii_host(host: str) -> str:
    """A host's name in the ASCII form of DNS; raises `ValueError` if no host can have this name."""
    # An IPv6 address has colons and is left alone; the codec checks the labels of a name.
    return host if ":" in host else host.encode("idna").decode("ascii")


def host_header(url: str) -> bytes:
    """The value of the header `Host` for a URL; empty if the URL has no host, or an impossible one."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = ascii_host(parts.hostname or "")
    except ValueError:
        return b""
    return (f"[{host}]" if ":" in host else host).encode("ascii") + (b"" if port is None else b":%d" % port)


def redirect_target(base: str, location: str) -> str:
    """The percent-encoded URL of a `Location` header that was decoded as Latin-1; raises `ValueError` if it is none of HTTP."""
    # Some servers send UTF-8 instead of percent-encoding.
    target = urljoin(base, quote(location.encode("latin-1"), safe="!#$%&'()*+,/:;=?@[]~"))
    parts = urlsplit(target)
    if (
        parts.scheme not in ("http", "https")
        or not host_header(target)
        or not parts.hostname
        or parts.username is not None
    ):
        raise ValueError("it is no address of HTTP")
    return target.partition("#")[0]


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """The scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy of the environment: its URL without credentials, and its user name and password if it has some."""

    url: str
    auth: tuple[bytes, bytes] | None = field(repr=False)


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for a host; None for none, and for this machine.

    Raises:
        ConfigurationError: The proxy speaks neither HTTP nor SOCKS 5, or its address is impossible.
    """
    # macOS and Windows have system settings, too.
    if sys.platform not in ("darwin", "win32") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from ipaddress import ip_address, ip_network  # noqa: PLC0415 - most machines have no proxy
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - takes a while, with all of `email` and `http`

    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or host == "localhost" or host.endswith(".localhost") or proxy_bypass(f"{host}:{port}"):
        return None
    try:
        ip = ip_address(host)
    except ValueError:
        pass
    else:
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip.is_loopback or ip.is_unspecified:
            return None
        for exempt in proxies.get("no", "").split(","):
            with suppress(ValueError):  # a name
                if ip in ip_network(exempt.strip(), strict=False):
                    return None
    url = url if "://" in url else f"http://{url}"
    address = host_header(url).decode("ascii")
    kind = url.partition("://")[0].lower()
    if kind not in ("http", "https", "socks5", "socks5h") or not address:
        # The address is not shown, since it may hold a password.
        raise ConfigurationError(
            f"the proxy that the environment names for {scheme}:// has no address that starts with http:// or socks5:// and names a host "
            "and a port: correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or set NO_PROXY to the host that is to be reached directly"
        )
    parts = urlsplit(url)
    auth = (unquote_to_bytes(parts.username), unquote_to_bytes(parts.password or "")) if parts.username else None
    return Proxy(f"{kind}://{address}/", auth)


def socks_errors() -> tuple[type[Exception], ...]:
    """What a reply raises that is none of SOCKS 5, which httpcore leaves as it is; empty as long as no SOCKS proxy was used."""
    socksio: Any = sys.modules.get("socksio")
    return () if socksio is None else (socksio.ProtocolError,)
