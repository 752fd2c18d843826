"""What to do first: the findings that one action mends, in the order in which they matter."""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

LIMIT: Final = 10
"""How many actions each list of the page shows."""

_LIKELY: Final = {
    "known": "an exploit is known",
    "very_likely": "an exploit is very likely",
    "likely": "an exploit is likely",
}
"""What the scanner's `exploit_likelihood` says, where it is a reason to hurry."""

_WORST: Final = """
  is_overdue AND in_kev DESC, in_kev DESC, exploit_is_known DESC, COALESCE(epss, -1) DESC,
  severity_rank, due_at IS NULL, due_at, opened_at, COALESCE(host, ''),
  issue_id
"""

READ_ACTIONS: Final = f"""
WITH grouped AS (
  SELECT issue_id, host, MAX(title) AS title, MAX(severity) AS severity,
    MIN(severity_rank) AS severity_rank, MAX(remediation) AS remediation,
    COUNT(*) AS findings, COUNTIF(opened_at > @week_ago) AS recent,
    ARRAY_AGG(DISTINCT COALESCE(port, -1)) AS ports,
    LOGICAL_OR(exposed) AS exposed, MIN(opened_at) AS opened_at, MIN(due_at) AS due_at,
    LOGICAL_OR(overdue) AS is_overdue, LOGICAL_OR(COALESCE(in_kev, FALSE)) AS in_kev,
    LOGICAL_OR(COALESCE(exploit_likelihood, '') = 'known') AS exploit_is_known,
    MIN(exploit_likelihood) AS exploit_likelihood, MAX(epss) AS epss,
    COALESCE(
      MAX_BY(cve_to_fix, IF(cve_to_fix IS NULL, -1, IF(in_kev, 1, 0) + COALESCE(epss, 0))),
      MIN(cves[SAFE_OFFSET(0)])
    ) AS cve,
    MAX(ARRAY_LENGTH(cves)) AS cves
  FROM `{{d}}.open_findings` WHERE to_do GROUP BY issue_id, host
),
placed AS (
  SELECT *, ROW_NUMBER() OVER (ORDER BY {_WORST}) AS place,
    recent > 0 AND severity IN ('critical', 'high') AS is_new,
    COUNT(*) OVER () AS actions
  FROM grouped
),
numbered AS (
  SELECT *, SUM(IF(is_new, 1, 0)) OVER () AS all_new,
    ROW_NUMBER() OVER (PARTITION BY is_new ORDER BY place) AS place_of_kind
  FROM placed
)
SELECT * FROM numbered WHERE place <= {LIMIT} OR (is_new AND place_of_kind <= {LIMIT})
ORDER BY place
"""  # noqa: S608 - our own text
"""SQL for the actions of both lists, where `{{d}}` is the dataset and `@week_ago` an instant."""


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
