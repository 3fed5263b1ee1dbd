"""Owns the waits and limits that an operator may set."""

from datetime import timedelta

import msgspec

# A phone knows its position to metres: of what it sends, so many decimals of a degree are kept (0.1 m).
POSITION_DECIMALS = 6


class Rules(msgspec.Struct, frozen=True):
    """Waits of the trip machine. Zero means no wait at all."""

    poll_every: timedelta = timedelta(seconds=300)
    poll_after_end: timedelta = timedelta(seconds=60)
    end_grace: timedelta = timedelta(seconds=900)
    resume_within: timedelta = timedelta(seconds=300)
    stale_after: timedelta = timedelta(seconds=7200)

    def wait_for_end(self, has_car: bool) -> timedelta:
        """How long after an end its trip stays open. Without a car only a quick reconnection may still come."""
        return self.end_grace if has_car else min(self.end_grace, self.resume_within)
