"""The parameters that choose rows of a listing.

Several values are one parameter, separated by commas. An empty or unknown parameter is ignored. A
row must meet all others.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sample_api.account import Account
from sample_api.rows import Row

Params = Mapping[str, str]
Test = Callable[[Row], bool]
SNOOZED = {"true": True, "1": True, "false": False, "0": False}


class InvalidParameterError(Exception):
    """A parameter that is answered with 400, and what is wrong with it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name, self.problem = name, problem


def issues(account: Account, params: Params) -> list[Row]:
    """Return the issues for these parameters, in the order of the account.

    `since`, `tag_names` and `target_addresses` each choose issues with such an occurrence.
    """
    tests = [_has(account, test) for test in _of_occurrences(account, params)]
    tests += [*_snoozed(params), *_equal(params, "severity", issue_ids="id")]
    return _matching(account.issues, tests)


def occurrences(account: Account, rows: list[Row], params: Params) -> list[Row]:
    """Return the occurrences of an issue that fit these parameters."""
    return _matching(rows, [*_of_occurrences(account, params), *_snoozed(params)])


def scans(account: Account, params: Params) -> list[Row]:
    """Return the scans for these parameters."""
    return _matching(account.scans, _equal(params, "scan_type", "schedule_period", "status"))


def targets(account: Account, params: Params) -> list[Row]:
    """Return the targets for these parameters.

    When a target was last scanned is what its occurrences say. The latest scan was of each that has
    none, unless its status says otherwise. `last_scanned_after` is a day, which is in the range.
    """
    tests = _equal(params, "address", "target_status", "target_type")
    if after := time_of(params, "last_scanned_after"):
        found = [row for rows in list(account.occurrences.values()) for row in rows]
        live = [row for row in account.targets if row.get("target_status") == "live"]
        clean = {row.get("address") for row in live}
        scanned = (
            clean.difference(row["target"] for row in found) if account.now >= after else set()
        )
        scanned |= {
            row["target"] for row in found if _is_since("target_last_scanned_at", after, row)
        }
        tests.append(lambda row: row.get("address") in scanned)
    return _matching(account.targets, tests)


def fixed(account: Account, params: Params, delay_days: int) -> list[Row]:
    """Return the fixed occurrences for these parameters, in the order of the account.

    Both bounds of `remediated_at` are in the range, as in django-filter. With a delay, fixes of the
    account's last days are left out.
    """
    tests = _equal(params, "severity", target_addresses="affected_host")
    if tags := _values(params, "tag_names"):
        tests.append(lambda row: not tags.isdisjoint(row.get("tags") or ()))
    if after := time_of(params, "remediated_after"):
        tests.append(partial(_is_since, "remediated_at", after))
    if before := time_of(params, "remediated_before"):
        tests.append(partial(_is_until, "remediated_at", before))
    if delay_days:
        reported = account.now - timedelta(days=delay_days)
        tests.append(partial(_is_until, "remediated_at", reported))
    return _matching(account.fixed, tests)


def _matching(rows: list[Row], tests: Iterable[Test]) -> list[Row]:
    for test in tests:
        rows = [row for row in rows if test(row)]
    return rows


def _of_occurrences(account: Account, params: Params) -> list[Test]:
    tests = _equal(params, target_addresses="target")
    if tags := _values(params, "tag_names"):
        tagged = {
            row.get("address")
            for row in account.targets
            if not tags.isdisjoint(row.get("tags") or ())
        }
        tests.append(lambda row: row.get("target") in tagged)
    if since := time_of(params, "since"):
        tests.append(partial(_is_since, "first_seen_at", since))
    return tests


def _has(account: Account, test: Test) -> Test:
    """Return a test of whether an issue has an occurrence that passes this one."""
    rows_by_issue = list(account.occurrences.items())  # a test may add some meanwhile
    found = {issue for issue, rows in rows_by_issue if any(map(test, rows))}
    return lambda issue: issue["id"] in found


def _snoozed(params: Params) -> list[Test]:
    """Other values than true and false are ignored, as django-filter does."""
    asked = SNOOZED.get(params.get("snoozed", "").lower())
    return [] if asked is None else [lambda row: bool(row.get("snoozed")) == asked]


def _equal(params: Params, *names: str, **columns: str) -> list[Test]:
    """Return tests of columns, from parameters of the same or of another name."""
    columns |= {name: name for name in names}
    asked = {column: _values(params, name) for name, column in columns.items()}
    return [partial(_is_one_of, column, values) for column, values in asked.items() if values]


def _is_one_of(column: str, values: set[str], row: Row) -> bool:
    return row.get(column) is not None and str(row[column]) in values


def _is_since(column: str, since: datetime, row: Row) -> bool:
    moment = _moment(row.get(column))
    return moment is not None and moment >= since


def _is_until(column: str, until: datetime, row: Row) -> bool:
    moment = _moment(row.get(column))
    return moment is not None and moment <= until


def time_of(params: Params, name: str) -> datetime | None:
    """Return a parameter that is a time, or None without it.

    Raises `InvalidParameterError` if it is another text.
    """
    moment = _moment(params.get(name))
    if moment is None and params.get(name):
        raise InvalidParameterError(name, "Enter a valid date/time.")
    return moment


def _values(params: Params, name: str) -> set[str]:
    return {value.strip() for value in params.get(name, "").split(",")} - {""}


def _moment(value: Any) -> datetime | None:
    """Return an ISO 8601 date or time, in UTC unless it says otherwise; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
