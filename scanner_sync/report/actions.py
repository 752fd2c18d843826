"""What to do first: the findings that one action mends, in the order in which they matter."""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

_LIKELY: Final = {
    "known": "an exploit is known",
    "very_likely": "an exploit is very likely",
    "likely": "an exploit is likely",
}
"""What the scanner's `exploit_likelihood` says, where it is a reason to hurry."""


class Action(NamedTuple):
    """What one action mends: the findings of an issue that are to do on one host."""

    issue_id: int
    title: str | None
    severity: str | None
    host: str | None
    ports: list[int]
    """-1 stands for one that is not known."""
    findings: int
    exposed: bool | None
    """Whether the target counts as reachable from the internet."""
    opened_at: datetime
    due_at: datetime | None
    """The first of their deadlines."""
    in_kev: bool
    """Whether one of their CVEs is in the KEV catalog. False where that is not known."""
    exploit_likelihood: str | None
    """As the scanner says it."""
    epss: float | None
    """The highest of their CVEs, 0 to 1."""
    cve: str | None
    """The one to fix."""
    cves: int
    """How many there are."""
    remediation: str | None

    def why(self, now: datetime) -> str:
        """Say in words why it is to be done: severity, exploits, deadline, place."""
        said = [
            self.severity or "no severity",
            "known exploited" if self.in_kev else _LIKELY.get(self.exploit_likelihood or "", ""),
            _due(self.due_at, now),
            f"EPSS\N{NO-BREAK SPACE}{self.epss:.0%}"
            if self.epss is not None and self.epss >= 0.005
            else "",
            "" if self.exposed is None else "external" if self.exposed else "internal",
        ]
        return ", ".join(filter(None, said))

    @property
    def where(self) -> str:
        """The host, and the ports that are known."""
        ports = sorted(port for port in self.ports if port >= 0)
        said = f", port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))}"
        return f"{self.host or '(no host)'}{said if ports else ''}"

    @property
    def remedy(self) -> str:
        """The first sentence of the remediation."""
        text = " ".join((self.remediation or "").split())
        found = re.match(r".+?[.!?](?= |$)", text)
        sentence = found[0] if found else text
        return sentence if len(sentence) <= 240 else f"{sentence[:237]}..."


class Actions(NamedTuple):
    """The two lists of what to do."""

    first: list[Action]
    """The most urgent, most urgent first."""
    all: int
    """How many there are in all."""
    new: list[Action]
    """Critical and high ones with a finding of the last seven days, most urgent first."""
    all_new: int


def _due(due_at: datetime | None, now: datetime) -> str:
    """Say when something is due, in whole days."""
    if due_at is None:
        return "without a deadline"
    apart = due_at - now
    days = abs(apart) // timedelta(days=1)
    if days == 0:
        return "due within 24 hours" if apart >= timedelta() else "due in the last 24 hours"
    counted = f"{days:,} {'day' if days == 1 else 'days'}"
    return f"due {counted} ago" if apart < timedelta() else f"due in {counted}"
