"""Checks where a request comes from: its Host header, the address of its sender, and the page that sent it."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from .requests import HTTPError

if TYPE_CHECKING:
    from starlette.requests import Request

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~!$&'()*+,;=%-]*))(?::[0-9]{0,5})?")


def requested_host(request: Request) -> str:
    """Returns the host in a request's Host header, without its port and in lower case; `""` if there is no such header.

    Raises:
        HTTPError: 400 if there are several, or it is not a host.
    """
    values = request.headers.getlist("host")
    if len(values) > 1:
        raise HTTPError(400, "the request has more than one Host header")
    matched = _HOST.fullmatch(values[0] if values else "")
    if matched is None or (matched[1] and _address(matched[1]) is None):
        raise HTTPError(400, "the Host header is not a host with an optional port")
    return (matched[1] or matched[2]).lower()


def sender_address(request: Request) -> str:
    """Returns the address that a request came from; of an IPv4 address mapped into IPv6, the IPv4 address."""
    sender = request.client.host if request.client else ""
    return str(_address(sender) or sender)


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine for everyone: an address of the loopback interface, or `localhost`.

    A name that resolves to such an address is not one, since its owner can change that at any time.
    """
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def refuse_other_sites(request: Request) -> None:
    """Refuses a request that a page of another site has sent.

    Raises:
        HTTPError: 403 if the request's Origin is another one than the emulator's.
    """
    origin = request.headers.get("origin")
    own = f"http://{request.headers.get('host', '')}"
    site = request.headers.get("sec-fetch-site", "none")
    if (origin is not None and origin.lower() != own.lower()) or site not in {"none", "same-origin"}:
        raise HTTPError(403, "pages of other sites have no access to the emulator")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
