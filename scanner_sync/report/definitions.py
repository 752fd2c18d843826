"""What each figure of the report means. docs/metrics.md shows the same texts."""

from typing import Final, NamedTuple


class Definition(NamedTuple):
    """A figure: what it is called, and how it is worked out."""

    title: str
    text: str


DEFINITIONS: Final = {
    "open": Definition(
        "Open",
        "An occurrence is one place where an issue was found. It is open from its `opened_at` to"
        " its `closed_at`, also while it is snoozed.",
    ),
    "opened": Definition(
        "Opened",
        "`opened_at` is the scanner's `first_seen_at`, or, if it gives none, the time of the sync"
        " that first saw the occurrence. If the occurrence had been closed before, it is the time"
        " of the sync that saw it again; and if no sync missed it in between, the date of the fix"
        " before.",
    ),
    "closed": Definition(
        "Closed, and why",
        "`closed_at` is the scanner's `remediated_at` if it lists the occurrence as fixed, and"
        " otherwise the time of the sync that no longer saw it. `fixed`: the scanner lists it as"
        " fixed. `not_reported`: its target is still scanned, and the scanner no longer reports"
        " it. `target_removed`: its target is no longer listed. `target_not_scanned`: its target"
        " is listed as unresponsive, over license, unscanned, or without its agent.",
    ),
    "fixes": Definition(
        "Fixes",
        "Closings with the reason `fixed` or `not_reported`. An occurrence that ended with its"
        " target was not fixed.",
    ),
    "reopened": Definition("Reopened", "Opened, after it had been closed before."),
    "days": Definition(
        "Days to fix",
        "Days from `opened_at` to `closed_at` of the fixes in a period: their mean, known as mean"
        " time to remediate (MTTR), and their median. What is still open does not count.",
    ),
    "kaplan_meier": Definition(
        "Days to fix, with open ones counted",
        "The median of the Kaplan-Meier product-limit estimate (Kaplan and Meier, 1958): the days"
        " within which half of all that was ever opened is fixed. What is open, or ended with its"
        " target, counts for as long as it was open. There is none if not half are fixed.",
    ),
    "age": Definition(
        "Age", "Days from `opened_at` until now, of what is open. The mean is over all of it."
    ),
    "goals": Definition(
        "Goals, overdue and due",
        "`due_at` is `opened_at` plus the days that `sla_policy` has for the severity. Time for"
        " which it was snoozed before that is left out, as far as the syncs saw it. It is overdue"
        " if it is open, not snoozed, and `due_at` has passed. It is due this week if that comes"
        " before next Monday. The share in time is that of the fixes that came by `due_at`.",
    ),
    "tags": Definition(
        "Tags",
        "The tags that targets have now. An occurrence counts for each tag of its target. The five"
        " tags with the most open occurrences are shown.",
    ),
}
"""The definitions by a short name, in the order of the page."""
