"""How the API limits requests: as the throttles of Django REST framework do."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Throttle:
    """Allow some requests in a sliding window of time. Those that it refuses do not count."""

    allowed: int
    seconds: float
    counted: deque[float] = field(default_factory=deque)
    """When the requests in the window came, oldest first."""

    def wait(self, now: float) -> float | None:
        """Count a request and return None, or return how long the oldest one still counts."""
        while self.counted and self.counted[0] <= now - self.seconds:
            self.counted.popleft()
        if len(self.counted) >= self.allowed:
            oldest = self.counted[0] if self.counted else now
            return self.seconds - (now - oldest)
        self.counted.append(now)
        return None


def longest_wait(throttles: Sequence[Throttle], now: float) -> int | None:
    """Return None for a request that all throttles allow, or the whole seconds to wait.

    As in the framework, each throttle is asked. One of them counts a request that another refuses.
    """
    waits = [throttle.wait(now) for throttle in throttles]
    refusals = [wait for wait in waits if wait is not None]
    return math.ceil(max(refusals)) if refusals else None
