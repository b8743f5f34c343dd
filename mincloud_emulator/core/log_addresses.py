"""Signs and checks the addresses of job logs, which have an origin of their own and are valid for a day."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from .clock import Clock

VALID_SECONDS = 86400
_ALGORITHM = "HMAC-SHA256"
_PATH = re.compile(r"/ticket_([1-9][0-9]{0,17})\.log")


class LogAddresses:
    """Creates and checks addresses that are signed with a key."""

    def __init__(self, key: str, clock: Clock) -> None:
        self._key = key.encode()
        self._clock = clock
        self.origin = ""
        """Scheme, host and port of the logs; set when the emulator listens."""
        self.on_every_address = False
        """Whether the emulator listens on all addresses, so that each caller needs the one that it can reach."""

    def address(self, job_id: int, *, host: str = "") -> str:
        """Returns the address of a job's log, valid for a day from now.

        Args:
            job_id: Which job.
            host: What the caller reached this machine by, for an emulator that other machines reach too.
        """
        origin = self.origin
        if self.on_every_address and host:
            origin = f"http://{f'[{host}]' if ':' in host else host}:{urlsplit(origin).port}"
        path = f"/ticket_{job_id}.log"
        date = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        expires = str(VALID_SECONDS)
        query = urlencode(
            {
                "X-Amz-Algorithm": _ALGORITHM,
                "X-Amz-Date": date,
                "X-Amz-Expires": expires,
                "X-Amz-Signature": self._signature(path, date, expires),
            }
        )
        return f"{origin}{path}?{query}"

    def check(self, path: str, query: str) -> int | str:
        """Checks an address, and returns the id of its job or the reason why it is refused."""
        matched = _PATH.fullmatch(path)
        if matched is None:
            return "There is no such log."
        fields = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
        date = fields.get("X-Amz-Date", "")
        expires = fields.get("X-Amz-Expires", "")
        signature = fields.get("X-Amz-Signature", "")
        if not signature:
            return "The address is not signed."
        if not hmac.compare_digest(signature.encode(), self._signature(path, date, expires).encode()):
            return "The signature is wrong."
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if self._clock.now() >= signed_at + int(expires):
            return "Request has expired"
        return int(matched[1])

    def _signature(self, path: str, date: str, expires: str) -> str:
        return hmac.new(self._key, f"{path}\n{date}\n{expires}".encode(), hashlib.sha256).hexdigest()
