"""The server's clock: wall time in the server's zone, printed as if it were UTC.

MT5 writes every time as seconds or milliseconds since 1970 of its own wall clock.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(slots=True)
class ServerClock:
    """UTC plus the zone's minutes, off by a skew in seconds that tests may set."""

    timezone_minutes: int
    skew_seconds: int = 0

    def utc_ms(self) -> int:
        """Return what the server takes for UTC now, in milliseconds."""
        return time.time_ns() // 1_000_000 + self.skew_seconds * 1000

    def wall_ms(self, utc_ms: int) -> int:
        """Return the server's wall time, in milliseconds, of a UTC moment."""
        return utc_ms + self.timezone_minutes * 60_000

    def utc_of(self, wall_ms: int) -> int:
        """Return the UTC milliseconds of a server wall time in milliseconds."""
        return wall_ms - self.timezone_minutes * 60_000

    def now_ms(self) -> int:
        """Return the server's wall time now, in milliseconds."""
        return self.wall_ms(self.utc_ms())

    def text(self) -> str:
        """Return the time as ``/api/time/server`` shows it: seconds and a readable date."""
        seconds = self.now_ms() // 1000
        return f"{seconds} {datetime.fromtimestamp(seconds, UTC):%Y.%m.%d %H:%M:%S}"
