"""An invented account, with a year behind it."""

import random
from datetime import date, datetime, timedelta

from sample_api.account import FIRST_DAY, Account
from sample_api.rows import Row, days_open, fixed_row, license_row, tag_rows, time_text
from sample_api.words import DAYS_TO_FIX, SCHEDULES

USUAL_OCCURRENCES = (0, 1, 2, 3, 4, 5, 8), (1, 3, 4, 4, 3, 2, 1)
"""How many an issue has, and how often."""
FIRST_PAST_ID = 1_000_000
"""Ids of rows that are gone are above those that an account comes to, which stay as they are."""


def generate(
    seed: int,
    issues: int = 400,
    targets: int = 150,
    scans: int = 1200,
    *,
    first_day: date = FIRST_DAY,
) -> Account:
    """Return an account. The same arguments give the same rows in any process.

    An issue has three occurrences on average, and some have none. The one in the middle of the list
    has 130, more than fit on a page. As many issues again were fixed in the year before. The
    default account has about 4000 rows in all. Another first day moves all dates, and changes
    nothing else.
    """
    account, rng = Account(seed=seed, first_day=first_day), random.Random(seed)
    account.targets = [account.new_target(rng, number) for number in range(targets)]
    for number in reversed(range(scans)):
        status = rng.choice(("completed", "completed", "completed", "cancelled"))
        created_at = account.now - timedelta(hours=8 * number)
        account.scans.insert(0, account.new_scan(rng, created_at, status))
    for number in range(issues):
        usual = rng.choices(*USUAL_OCCURRENCES)[0]
        account.open_issue(rng, 130 if number == issues // 2 else usual, oldest=400)

    # Not from the numbers above, so that a seed still gives the same rows of the four listings.
    account.fixed = _year_of_fixes(random.Random(f"{seed}/past"), account)
    account.schedules = _schedules(account)
    account.tags = tag_rows(account.targets)
    account.licenses = license_row(account.targets)
    return account


def _year_of_fixes(rng: random.Random, account: Account) -> list[Row]:
    """Return the fixes of the year before, newest first.

    Most of it is gone for good, of which some was fixed twice. Some is open again. And some was
    found on a target that is not listed any more, and ended on the day of its removal.
    """
    past = Account(first_day=account.first_day, last_id=FIRST_PAST_ID)
    past.targets = account.targets
    for _ in account.issues:
        past.open_issue(rng, rng.choices(*USUAL_OCCURRENCES)[0], oldest=0)
    removed = past.new_target(rng, len(account.targets))
    past.targets = [removed]
    for _ in range(-(-len(account.issues) // 40)):
        past.open_issue(rng, 1, oldest=0)

    fixed: list[tuple[Row, Row, int]] = []  # an issue, its occurrence, and how many days ago
    for issue, row in _with_stable_ids(past):
        days_ago = 30 if row["target"] == removed["address"] else rng.randrange(365)
        age = 1 + int(rng.expovariate(1 / DAYS_TO_FIX[issue["severity"]]))
        seen = time_text(past.now - timedelta(days=days_ago + age))
        found = row | {"first_seen_at": seen, "snoozed": rng.random() < 0.05}
        fixed.append((issue, found, days_ago))
        if days_ago > 30 and rng.random() < 0.03:
            fixed.append((issue, found, rng.randrange(days_ago - 14)))
    open_now = [(issue, row, days_open(row)) for issue, row in _with_stable_ids(account)]
    old = [found for found in open_now if found[2] > 30]
    for issue, row, age in rng.sample(old, len(old) // 80):
        days_ago = rng.randint(7, min(365, age) - 1)
        fixed.append((issue, row | {"age": f"{age - days_ago} days"}, days_ago))

    targets = {row["address"]: row for row in [*account.targets, removed]}
    rows = [
        fixed_row(issue, row, targets[row["target"]], past.now - timedelta(days=days_ago))
        for issue, row, days_ago in fixed
    ]
    return sorted(rows, key=lambda row: str(row["remediated_at"]), reverse=True)


def _with_stable_ids(account: Account) -> list[tuple[Row, Row]]:
    """Return the occurrences that the listing of fixed ones may have, each after its issue."""
    return [
        (issue, row)
        for issue in account.issues
        for row in account.occurrences[issue["id"]]
        if row["occurrence_id"] is not None
    ]


def _schedules(account: Account) -> list[Row]:
    return [
        _schedule(account, number, *schedule) for number, schedule in enumerate(SCHEDULES, start=1)
    ]


def _schedule(
    account: Account,
    number: int,
    name: str,
    period: str,
    status: str,
    tags: list[str],
    days_to_next: int | None,
) -> Row:
    latest = next((row for row in account.scans if row["schedule_period"] == period), None)
    ended = None
    if latest:
        ended = datetime.fromisoformat(latest["created_at"]) + timedelta(minutes=50)
    following = days_to_next and account.now + timedelta(days=days_to_next)
    return {
        "id": number,
        "name": name,
        "schedule_period": period,
        "status": status,
        "first_scan_time": time_text(account.now - timedelta(days=400)) if latest else None,
        "next_scan_date": following.date().isoformat() if following else None,
        "latest_scan_id": latest and latest["id"],
        "latest_scan_status": latest and latest["status"],
        "last_scan_start_time": latest and latest["created_at"],
        "last_scan_end_time": ended and time_text(ended),
        "targets": [
            target["id"]
            for target in account.targets
            if not tags or not set(tags).isdisjoint(target["tags"])
        ],
        "target_tags": list(tags),
        "scan_all_targets": not tags,
        "throttled": status == "paused",
        "web_ports_only": period == "one_off",
        "upload_to_drata": True if tags else None,
        "upload_to_vanta": None,
    }
