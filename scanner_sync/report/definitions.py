"""What each figure of the report means. docs/metrics.md shows the same texts."""

from typing import Final, NamedTuple


class Definition(NamedTuple):
    """A figure: what it is called, and how it is worked out."""

    title: str
    text: str


DEFINITIONS: Final = {
    "open": Definition(
        "Finding, open",
        "A finding is one time that an issue was open at one place, which the scanner calls an"
        " occurrence. If it is fixed and comes back, that is another finding. A finding is open"
        " from its `opened_at` to its `closed_at`, also while it is snoozed.",
    ),
    "to_do": Definition(
        "To do",
        "Open findings that are neither snoozed nor on a deleted target. A finding is snoozed"
        " if its occurrence or its issue is; a snooze ends on its day, even if no sync has come"
        " since. A target is deleted if the scanner no longer lists it, but still lists the"
        " finding.",
    ),
    "order": Definition(
        "What comes first",
        "The findings of an issue on one host are one thing to do. Overdue ones with a CVE in"
        " CISA's catalog of known exploited vulnerabilities (KEV) come first; then the others with"
        " such a CVE; then findings for which the scanner says that an exploit is known; and within"
        " each group, the highest EPSS score, the highest severity and the earliest `due_at`."
        " Without `kev` and `epss` in `INTELLIGENCE`, the scanner's word, severity and `due_at`"
        " decide.",
    ),
    "exploited": Definition(
        "Exploited in the wild",
        "Findings to do with a CVE in CISA's catalog of known exploited vulnerabilities (KEV)."
        " Without `kev` in `INTELLIGENCE`, the page counts findings for which the scanner says that"
        " an exploit is known.",
    ),
    "opened": Definition(
        "Opened",
        "`opened_at` is the scanner's `first_seen_at`, or, if it gives none that can be true, the"
        " time of the sync that first saw the finding. If the scanner corrects its date, the"
        " finding follows. If the occurrence had been fixed before, only a date after that fix"
        " counts. Otherwise, it opened with the sync that saw it again; and if no sync missed it in"
        " between, with the fix before.",
    ),
    "closed": Definition(
        "Closed, and why",
        "`closed_at` is the scanner's `remediated_at` if it lists the occurrence as fixed, and"
        " otherwise the time of the first sync that no longer saw it. `fixed`: the scanner lists it"
        " as fixed. `not_reported`: its target is still scanned, and the scanner no longer reports"
        " it. `target_removed`: its target is no longer listed. `target_not_scanned`: its target"
        " is listed as unresponsive, over license, unscanned, or without its agent. The first"
        " readings of the targets after it was last seen, and after it was missed, decide. If it is"
        " back after its target was, or after an empty listing of its issue, the same finding goes"
        " on.",
    ),
    "fixes": Definition(
        "Fixes",
        "Findings that closed as `fixed`, at the scanner's date, or as `not_reported`, at some"
        " time between two syncs. A finding that ended with its target was not fixed. Of several"
        " dates of a fix, between which no sync saw the finding, the newest counts.",
    ),
    "reopened": Definition("Reopened", "Opened, after the same occurrence had been fixed before."),
    "corrected": Definition(
        "Corrected",
        "A week is final eight days after its end. Later corrections of it count in the week in"
        " which they are learned: how many more findings were open than the earlier week says. So"
        " `open` is `open` of the week before, plus `opened`, minus `closed`, plus `corrected`.",
    ),
    "days": Definition(
        "Days to fix",
        "Days from `opened_at` to `closed_at` of the fixes in a period: their mean, known as mean"
        " time to remediate (MTTR), and their median. Findings that are still open do not count.",
    ),
    "kaplan_meier": Definition(
        "Days to fix, with open ones counted",
        "The days within which half of all findings would be fixed at the pace of the last 26"
        " weeks: the median of the product-limit estimate (Kaplan and Meier, 1958) over that"
        " period. A finding counts from the age at which the period began or a sync first saw it,"
        " until it is fixed, ends otherwise, is accepted as a risk or a false positive, or the"
        " period ends. A finding that ended with its target counts as if it would have been fixed"
        " at the pace of the others. There is no median if not half are fixed.",
    ),
    "share_fixed": Definition(
        "Fixed in 90 days",
        "The share of all findings that would be fixed within 90 days at the pace of the same 26"
        " weeks: the cumulative incidence (Aalen and Johansen, 1978). A finding that ends with its"
        " target is never fixed. There is no share if none was open for so long, and not all had"
        " ended before.",
    ),
    "age": Definition(
        "Age", "Days from `opened_at` until now. The mean is over all findings to do."
    ),
    "goals": Definition(
        "Goals, overdue and due",
        "`due_at` follows from the first rule of `sla_policy` that fits the finding, or one of"
        " its CVEs; of several CVEs, the one that is due first decides. By the scanner's own"
        " goals, it is `opened_at` plus the days for its severity. Time for which it was snoozed"
        " before that is left out, as far as the syncs saw it. A closed finding keeps its goal;"
        " one that was fixed before a sync saw it has the scanner's goal, if there is one. It is"
        " overdue if it is to do and `due_at` has passed. It is due in the next seven days if it"
        " is to do and `due_at` comes within them.",
    ),
    "grade": Definition(
        "Vendor's grade",
        "The grade of the scanner's vendor, by its published rule: F if a critical finding to do"
        " is older than 7 days, else C if a high one is older than 30, B if a medium one is older"
        " than 60, A if a low one is older than 120, and A+ otherwise. The age counts from"
        " `opened_at`. `sla_policy` has no part in it.",
    ),
    "in_time": Definition(
        "In time",
        "Of the fixes in a period that had a goal, the share that came by `due_at`; and of the"
        " findings that were due in a period, the share that was fixed by then. A finding that"
        " ended with its target before it was due counts in neither.",
    ),
    "tags": Definition(
        "Tags",
        "An open finding has the tags that its target has now, and a closed one has the tags of"
        " its closing. It counts for each of them. The ten tags with the worst to do are shown.",
    ),
    "coverage": Definition(
        "Coverage",
        "Once a day, a sync asks the scanner for the targets that it scanned in the last 14 days."
        " If it does not say, the dates of the occurrences tell when their targets were scanned."
        " Then it is not known of a target on which nothing was ever found, unless the scanner"
        " lists it as unscanned. The page says which of the two it shows.",
    ),
}
"""The definitions by a short name, in the order of the page."""
