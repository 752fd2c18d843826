"""Write `RESULTS.md` and its chart."""

import math
import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import findings, footprint, growth, jobs, many, quiet, quota, reading
from benchmarks.candidates import (
    ASKED,
    CDK,
    CDK_20,
    GUIDE,
    GUIDE_PARALLEL,
    OURS,
    QUIET,
    SAME_TABLES,
    SCANNED,
    UNCHANGED,
    spread,
)
from benchmarks.server import WINDOW
from local.processes import ROOT
from scanner_sync.errors import counted


class Figure(NamedTuple):
    """A line of the table: what was measured, and whether it reaches its target."""

    name: str
    target: str
    measured: str
    reached: bool | None
    """None if there is no target."""


@dataclass
class Measurements:
    """All measurements. Those that were not made are empty."""

    runs: reading.Runs = field(default_factory=dict)
    limits: reading.Runs = field(default_factory=dict)
    work: reading.Runs = field(default_factory=dict)
    ceiling: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[int, list[float]] = field(default_factory=dict)
    memory_of_syncs: dict[int, float] = field(default_factory=dict)
    shapes: footprint.Peaks = field(default_factory=dict)
    imports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    cold: list[dict[str, float]] = field(default_factory=list)
    syncs: dict[str, list[jobs.Sync]] = field(default_factory=dict)
    under_quota: quota.Measured | None = None
    when_quiet: quiet.Measured | None = None
    accounts: many.Measured | None = None
    beside_earlier: findings.Measured = field(default_factory=dict)


def figures(m: Measurements) -> list[Figure]:
    """Return the lines of the table for what was measured."""
    found: list[Figure] = []
    if m.runs:
        found += [*_reading(m.runs), *_quota(m.runs), *_throughput(m.runs)]
    if m.work:
        found.append(_work(m.work))
    if m.memory:
        middles = [statistics.median(values) for values in m.memory.values()]
        found.append(
            Figure(
                "memory at " + ", ".join(f"{number:,}" for number in m.memory) + " occurrences",
                "the last at most 1.5 x the first, under 256 MiB",
                ", ".join(f"{spread(values, 0)} MiB" for values in m.memory.values()),
                middles[-1] <= 1.5 * middles[0] and middles[-1] < 256,
            )
        )
        whole = [f"{n:,} {mib:.0f} MiB" for n, mib in m.memory_of_syncs.items()]
        found.append(Figure("the same of whole syncs, once", "", ", ".join(whole), None))
    for module, target in (("main", "at most 0.5 s and 100 MiB"), ("scanner_sync.sync", "")):
        if taken := m.imports.get(module):
            seconds = [t["seconds"] for t in taken]
            mib = [t["bytes"] / 2**20 for t in taken]
            reached = statistics.median(seconds) <= 0.5 and statistics.median(mib) <= 100
            found.append(
                Figure(
                    f"`import {module}`",
                    target or "(what a sync imports, in its own process)",
                    f"{spread(seconds)} s, {spread(mib, 0)} MiB",
                    reached if target else None,
                )
            )
    if m.cold:
        answered = [start["answered"] for start in m.cold]
        synced = spread([start["synced"] for start in m.cold], 1)
        server = spread([start["server"] for start in m.cold], 0)
        found.append(
            Figure(
                "first answer of a cold function",
                "at most 1.2 s",
                f"{spread(answered)} s; a sync of 20 issues is done after {synced} s;"
                f" the server takes {server} MiB in addition to the sync",
                statistics.median(answered) <= 1.2,
            )
        )
    return found


def _reading(runs: reading.Runs) -> list[Figure]:
    found = []
    slow, slower = reading.SCENARIOS[:2]
    least = slow.api.sizes.least_requests()
    seen = [r.api for r in runs[slow.name, OURS]]
    asked = [s["requests"] for s in seen]
    twice = max(s["asked_twice"] for s in seen)
    found.append(
        Figure(
            "requests for 1000 issues, 3000 occurrences, 2000 scans, 1000 targets",
            f"{least}, and a page where the overlap falls on a boundary",
            f"{max(asked)}; redirects {max(s['redirected'] for s in seen)}, twice {twice}",
            max(asked) <= least + 3
            and not twice
            and not any(s["redirected"] or s["refused"] for s in seen),
        )
    )
    for scenario, factor in ((slow, 1.25), (slower, 1.1)):
        ours = runs[scenario.name, OURS]
        seconds = reading.median(ours, lambda r: r.read)
        # For the requests that it made; the line above says whether they are the fewest possible.
        limit = (
            statistics.median(r.api["requests"] for r in ours)
            * scenario.api.latency_ms / 1000 / reading.AT_ONCE
        )  # fmt: skip
        found.append(
            Figure(
                f"seconds to read them, {scenario.name} a request, 20 concurrent",
                f"at most {factor} x {limit:.2f} s = {factor * limit:.2f} s",
                f"{spread([r.read for r in ours])} s, {seconds / limit:.2f} x",
                seconds <= factor * limit,
            )
        )
    for candidate, factor in ((CDK, 10), (CDK_20, 1.5)):
        ratio = reading.median(runs[slow.name, candidate], lambda r: r.read) / reading.median(
            runs[slow.name, OURS], lambda r: r.read
        )
        found.append(
            Figure(
                f"the same at {slow.name}, compared with {candidate}",
                f"{factor} x faster",
                f"{ratio:.1f} x",
                ratio >= factor,
            )
        )
    return found


def _quota(runs: reading.Runs) -> list[Figure]:
    found = []
    for scenario in reading.SCENARIOS:
        if scenario.api.rate:
            ours = runs[scenario.name, OURS]
            allowed = [100 * reading.share_of_allowed(r) for r in ours]
            refused = [100 * reading.share_refused(r) for r in ours]
            failed = sum(bool(r.lost) for r in ours)
            found.append(
                Figure(
                    f"the same at {scenario.api.latency_ms} ms, the server allowing"
                    f" {scenario.name}",
                    "at least 95 % of what is allowed, under 3 % refused, none failed",
                    f"{spread(allowed, 1)} %, {spread(refused, 1)} % refused, {failed} failed",
                    statistics.median(allowed) >= 95
                    and statistics.median(refused) < 3
                    and not failed,
                )
            )
    return found


def limits(runs: reading.Runs) -> list[Figure]:
    """Return how the rate limiter handles quotas and refusals."""

    def seconds(name: str) -> float:
        return reading.median(runs[name, OURS], lambda r: r.read)

    found = []
    for scenario in reading.LIMITS:
        api, ours = scenario.api, runs[scenario.name, OURS]
        failed = sum(bool(r.lost) for r in ours)
        took = f"{spread([r.read for r in ours])} s"
        refused = f"{spread([100 * reading.share_refused(r) for r in ours], 1)} % refused"
        target, reached = "", None
        measured = f"{took}, {refused}, {failed} failed"
        if api.refuse in (reading.PASSING, reading.SHARE):
            without = seconds(scenario.name.partition(",")[0] + ", nothing refused")
            most = 2 * without + (3 if api.refuse == reading.PASSING else 0)
            target = f"at most 2 x {without:.2f} s" + (
                ", plus the 3 s that a retry may wait" if api.refuse == reading.PASSING else ""
            )
            reached = seconds(scenario.name) <= most and not failed
        elif api.refuse == reading.SIXTH:
            target = "at most 60 s, none failed"
            reached = seconds(scenario.name) <= 60 and not failed
        elif api.rates:
            down = [reading.seconds_to_follow(r, reading.DROP, reading.LOW) for r in ours]
            up = [reading.seconds_to_follow(r, reading.RETURN, reading.RATE) for r in ours]
            target = "follows within 10 s down and 20 s up, none failed"
            measured = f"{spread(down, 0)} s down, {spread(up, 0)} s up, {failed} failed"
            reached = max(down) <= 10 and max(up) <= 20 and not failed
        elif api.rate:
            least, most_refused = (95, 3) if api.rate == reading.RATE else (90, 100)
            if api.burst != "":
                least, most_refused = (90, 5) if api.status == 429 else (80, 100)
            if api.burst != "" and int(api.burst) >= api.rate:
                least, most_refused = 95, 100  # it looks like a quota of a window, and is used so
            used = [100 * reading.share_of_allowed(r, api.rate) for r in ours]
            target = f"at least {least} % used, none failed"
            if most_refused < 100:
                target = f"at least {least} % used, under {most_refused} % refused, none failed"
            measured = f"{spread(used, 1)} % used, {refused}, {failed} failed"
            share = statistics.median(100 * reading.share_refused(r) for r in ours)
            reached = statistics.median(used) >= least and share < most_refused and not failed
        elif api.in_turn:
            target = "none failed"
            late = f"{spread([100 * r.api['late'] / r.api['requests'] for r in ours], 1)} % late"
            measured, reached = f"{took}, {late}, {failed} failed", not failed
        elif api.latency_ms == 3000:
            target = f"at most 1.25 x {scenario.limit:.2f} s, as fast as 20 concurrent allow"
            reached = seconds(scenario.name) <= 1.25 * scenario.limit
        found.append(Figure(scenario.name, target, measured, reached))
    return found


LIMITS_HEADING = "\n## Quotas and refusals\n"
JOBS_HEADING = "\n## BigQuery's jobs\n"


def limits_section(runs: reading.Runs, environment: str) -> str:
    """Return the section of RESULTS.md with the figures of `limits`."""
    repetitions = len(next(iter(runs.values())))
    return "\n".join(
        [
            LIMITS_HEADING,
            "Only this program, at 50 ms a request unless stated otherwise,"
            f" {repetitions} repetitions in turns; those of {reading.LOW} a second and fewer"
            f" nearly always wait, so {reading.WAITING} of them run at the same time. An API with a"
            " quota has a real-time priority, as if it had a machine of its own."
            " `python -m benchmarks --only limits` measures these and writes this section."
            f" {environment}",
            "",
            *table(limits(runs)),
        ]
    )


SHAPES_HEADING = "\n## Memory, and how occurrences are spread over issues\n"


def shapes_section(peaks: footprint.Peaks, repetitions: int, environment: str) -> str:
    """Return the section of RESULTS.md about memory by the shape of an account."""
    one, even = (statistics.median(peaks[shape]) for shape in (footprint.ONE, footprint.EVEN))
    return "\n".join(
        [
            SHAPES_HEADING,
            "Peak of memory and temporary files while this program reads at 0 ms and prepares the"
            f" files, {repetitions} repetitions in turns. Where a page has 20 MB, each occurrence"
            " quotes 200 KB that repeat a line of 128 characters. Text that does not compress adds"
            " its own size to the files."
            " `python -m benchmarks --only shapes` measures these and writes this section."
            f" {environment}",
            "",
            *table(
                [
                    *(
                        Figure(
                            f"{counted(shape.issues, 'issue')} x {shape.each:,} occurrences"
                            + f", each of {shape.evidence // 1000} KB" * bool(shape.evidence),
                            f"under {shape.most} MiB",
                            f"{spread(values, 0)} MiB",
                            statistics.median(values) < shape.most,
                        )
                        for shape, values in peaks.items()
                    ),
                    Figure(
                        "1 issue x 100,000, compared with 100 x 1,000",
                        "at most 1.25 x",
                        f"{one / even:.2f} x",
                        one <= 1.25 * even,
                    ),
                ]
            ),
        ]
    )


QUOTA_HEADING = "\n## Accounts that do not fit into the quota\n"


def quota_section(measured: quota.Measured, environment: str) -> str:
    """Return the section of RESULTS.md about accounts larger than the quota."""
    large, trial = (rolling.scale for rolling in measured.rolling)
    return "\n".join(
        [
            QUOTA_HEADING,
            "The sample API in a process of its own; it answers at once, and has the quota of the"
            f" real one. Its clock is {large.faster} times faster ({trial.faster} times for the"
            " trial), and the waits of the others before a retry are as much shorter. All hours"
            " here are hours of this clock. Programs and the local BigQuery are not faster, so on a"
            " real clock they take less of an hour. This program has its defaults, so a sync sends"
            f" at most {growth.MOST_REQUESTS} requests; only `SYNC_DEADLINE_SECONDS` is"
            f" {quota.DEADLINE}, which for the trial is the default on its clock. Syncs start every"
            " hour; those of the trial follow each other at once."
            " `python -m benchmarks --only quota` measures these and writes this section."
            f" {environment}",
            "",
            *table([figure for rolling in measured.rolling for figure in _rolling(rolling)]),
            "",
            "| account | sync | requests | refused | issues read | left | oldest, hours |",
            "|---|---|---|---|---|---|---|",
            *(
                line
                for rolling in measured.rolling
                for kind, syncs in (("", rolling.round), ("day ", rolling.days))
                for number, sync in enumerate(syncs, 1)
                for line in [_sync(rolling.scale, f"{kind}{number}", sync)]
            ),
            "",
            "Left are the issues whose occurrences the sync did not read. The oldest are the"
            " occurrences that were read longest ago. On each of the days, one issue in 50 is fixed"
            " and as many are new. On this clock, reading takes a part of an hour that varies, so"
            " an hour may see all requests of one sync and some of the next; what the API then"
            " refuses is left, too. The large account with other programs, which are ended after"
            f" {quota.HOURS_ALLOWED} hours:",
            "",
            "| program | ended | hours | requests accepted | refused | issues | occurrences |",
            "|---|---|---|---|---|---|---|",
            *_compared(measured),
            "",
            "The rows are those that it delivered. Those of Airbyte count when they are printed,"
            " although the sync then fails; dlt delivers nothing of a read that fails. The next run"
            " of either begins again with the first issue.",
        ]
    )


def _rolling(rolling: quota.Rolling) -> list[Figure]:
    scale, syncs = rolling.scale, rolling.round
    name = f"{scale.name}, {rolling.occurrences:,} occurrences"
    every = [*syncs, *rolling.days]
    failed = sum(sync.error is not None for sync in every)
    wrong = sum(rolling.differing.values())
    found = [
        Figure(
            f"{name}: syncs until all was read",
            "none failed",
            f"{len(syncs)}, {failed} failed" if rolling.differing else "not all was read",
            bool(rolling.differing) and not failed,
        ),
        Figure(
            "the most requests that the API accepted in an hour",
            f"at most {quota.PER_HOUR}",
            f"{rolling.most:,}; {sum(sync.refused for sync in every):,} refused in all",
            rolling.most <= quota.PER_HOUR,
        ),
        Figure(
            "rows of the four tables that then differ from the API's, in any column",
            "0",
            f"{wrong:,} of {rolling.rows:,}",
            bool(rolling.differing) and not wrong,
        ),
    ]
    seconds = spread([sync.seconds for sync in every], 1)
    memory = max(sync.memory for sync in every)
    return [*found, Figure("a sync", "", f"{seconds} real seconds, at most {memory} MiB", None)]


def _sync(scale: quota.Scale, number: str, sync: quota.Sync) -> str:
    of = sync.refresh
    ended = (
        [f"{of['issues_read']:,}", f"{of['issues_waiting']:,}"]
        if of
        else [f"failed: `{sync.error}`", ""]
    )
    seconds = sync.oldest_seconds
    oldest = "never read" if seconds is None else f"{seconds * scale.faster / quota.HOUR:.1f}"
    cells = [scale.name, number, f"{sync.requests:,}", f"{sync.refused:,}", *ended, oldest]
    return "| " + " | ".join(cells) + " |"


def _compared(measured: quota.Measured) -> list[str]:
    """Return the lines of this program and of the others."""
    ours = measured.rolling[0]
    scale, syncs = ours.scale, ours.round
    hours = len(syncs) - 1 + syncs[-1].seconds * scale.faster / quota.HOUR
    rows = {"issues": scale.issues, "occurrences_issues": ours.occurrences}
    lines = [
        (
            f"{OURS}, {len(syncs)} syncs",
            "all was read" if ours.differing else "not all was read",
            hours,
            sum(sync.requests for sync in syncs),
            sum(sync.refused for sync in syncs),
            rows if ours.differing else {},
        ),
        *(
            (o.candidate, o.ended, o.seconds * scale.faster / quota.HOUR, o.accepted, o.refused,
             o.rows)
            for o in measured.others
        ),
    ]  # fmt: skip
    return [
        f"| {name} | {ended} | {hours:.1f} | {accepted:,} | {refused:,} | "
        + " | ".join(f"{found.get(table, 0):,} of {all_of:,}" for table, all_of in rows.items())
        + " |"
        for name, ended, hours, accepted, refused, found in lines
    ]


ACCOUNTS_HEADING = "\n## Many accounts at once\n"


def accounts_section(measured: many.Measured, environment: str) -> str:
    """Return the section of RESULTS.md about many accounts in one deployment."""
    mean = statistics.mean(measured.syncs)
    whole = many.INSTANCES * measured.seconds
    steps = {f"`{name}`": seconds for name, seconds in measured.steps.items()}
    steps["outside of syncs"] = whole * (1 - measured.busy)
    return "\n".join(
        [
            ACCOUNTS_HEADING,
            f"{measured.accounts} accounts with {measured.issues:,} issues and"
            f" {measured.occurrences:,} occurrences in all, each account with its own API, token,"
            " secret and dataset, and a message for each. Pub/Sub is Google's"
            f" emulator, which pushes to {many.INSTANCES} processes of the function with one"
            " request at a time each. Each sync is the first of its account, of all tables and with"
            f" histories, from an API that answers after {many.LATENCY_SECONDS * 1000:.0f} ms. All"
            " of it shares this machine: the processes, the APIs, Pub/Sub, and one local BigQuery,"
            " which takes most of the time. So the messages a minute are those of this machine, not"
            " of Google Cloud."
            " `python -m benchmarks --only accounts` measures these and writes this section."
            f" {environment}",
            "",
            *table(
                [
                    Figure(
                        "messages a minute",
                        "",
                        f"{60 * measured.accounts / measured.seconds:.1f};"
                        f" {measured.seconds:,.0f} s for all",
                        None,
                    ),
                    Figure(
                        "a sync",
                        "",
                        f"{spread(measured.syncs, 1)} s, {mean:.1f} s on average",
                        None,
                    ),
                    Figure(
                        "rows of four tables that differ from the APIs', in any column",
                        "0",
                        f"{measured.differing:,} of {measured.rows:,}",
                        not measured.differing,
                    ),
                    Figure(
                        "accounts into which two syncs loaded at once",
                        "0",
                        f"{measured.mixed}",
                        not measured.mixed,
                    ),
                    Figure(
                        "pushes that were not acknowledged", "", f"{measured.redelivered}", None
                    ),
                ]
            ),
            "",
            f"Where the {whole:,.0f} seconds of the {many.INSTANCES} processes went:",
            "",
            "| step | seconds | share |",
            "|---|---|---|",
            *(
                f"| {name} | {seconds:,.1f} | {100 * seconds / whole:.1f} % |"
                for name, seconds in steps.items()
            ),
            "",
            "The steps are those of the log; `waiting_for_lease` also creates the dataset and the"
            " lease. Outside of syncs, the process of a sync starts and ends, a sync fails, or"
            " there are fewer messages than processes.",
        ]
    )


FINDINGS_HEADING = "\n## Findings at scale, beside an earlier version\n"


def findings_section(measured: findings.Measured, environment: str) -> str:
    """Return the section of RESULTS.md about what a large account's findings cost."""
    [repetitions] = {len(rounds) for rounds in measured.values()}
    return "\n".join(
        [
            FINDINGS_HEADING,
            f"Until commit {findings.EARLIER}, each view concluded anew from the histories what was"
            " open, fixed and due; now a sync writes that down in `findings` and"
            " `remediation_metrics`. Both versions work on the same prepared rows of three years."
            " Half of the occurrences are open, and all of the fixes but one in ten are listed. The"
            " figures are processor time of the local BigQuery, not of BigQuery, and medians of"
            f" {repetitions} repetitions in turns, each with new datasets. One before them is not"
            " counted: the local BigQuery translates each statement, which it then remembers. The"
            " questions are those of [docs/queries.md](../docs/queries.md) that the earlier version"
            " has, too, each in its own words; where this version limits the rows, so does the"
            " other."
            " `python -m benchmarks --only findings` measures these and writes this section."
            f" {environment}",
            "",
            *table(
                [
                    figure
                    for size, rounds in measured.items()
                    for figure in _beside_earlier(size, rounds)
                ]
            ),
            "",
            f"What it takes with {max(measured):,} occurrences:",
            "",
            "| | earlier, seconds | now, seconds |",
            "|---|---|---|",
            *(
                f"| {what} | {' | '.join(spread(seconds) for seconds in both)} |"
                for what, both in findings.side_by_side(measured[max(measured)]).items()
            ),
        ]
    )


def _beside_earlier(size: int, rounds: findings.Rounds) -> list[Figure]:
    """Return the figures of the two scripts, and of what reads."""
    found = findings.side_by_side(rounds)
    asked = [what for what in found if what not in (*findings.SCRIPTS, findings.PAGE)]
    figures = []
    for name, parts, most in (
        *((script, [script], findings.MOST_OF_SCRIPT) for script in findings.SCRIPTS),
        (f"{findings.PAGE} and the {len(asked)} questions", [findings.PAGE, *asked], 1 / 20),
        (findings.PAGE, [findings.PAGE], 1 / 20),
        (f"the {len(asked)} questions", asked, 1 / 20),
    ):
        before, now = (
            [sum(values) for values in zip(*(found[part][version] for part in parts), strict=True)]
            for version in (0, 1)
        )
        ratio = statistics.median(now) / statistics.median(before)
        figures.append(
            Figure(
                f"{size:,} occurrences: {name}",
                f"at most {f'{most} x' if most >= 1 else f'1/{1 / most:.0f}'} of the time before",
                f"{spread(now)} s; {spread(before)} s before;"
                f" {f'{ratio:.1f} x' if ratio > 0.5 else f'1/{1 / ratio:.0f}'}",
                ratio <= most,
            )
        )
    return figures


def jobs_section(syncs: dict[str, list[jobs.Sync]], environment: str) -> str:
    """Return the section about the jobs of a steady sync in BigQuery."""
    times = ", ".join(f"{name} {seconds:g} s" for name, seconds in jobs.MODEL.items())
    lines = [
        JOBS_HEADING,
        f"The third sync of an account with {jobs.SIZES.issues} issues and"
        f" {jobs.SIZES.occurrences:,} occurrences, in which nothing changed, or what a scan"
        " changes, or each table. An account is known as quiet from its fifth sync on: only what"
        " signals name is read then, and what they name is not asked while the API says what it"
        " said to a sync that changed nothing. Times are modeled:"
        " the local BigQuery answers each call after as long as we take it to last in BigQuery"
        f" ({times}), and the API after {jobs.LATENCY_MS} ms. dlt looks at a load job once a"
        " second. `python -m benchmarks --only bigquery` measures these and writes this section."
        f" {environment}",
        "",
        jobs.table_of_jobs({name: jobs.median(found) for name, found in syncs.items()}),
        "",
        *table(_jobs(syncs)),
        "",
        "Solid: the critical path.",
    ]
    for candidate, found in syncs.items():
        lines += ["", f"### {candidate}", "", jobs.drawing(jobs.median(found))]
    changed, asked, unchanged = (
        _work_of(jobs.median(syncs[name])) for name in (SCANNED, ASKED, QUIET)
    )
    issues = jobs.SIZES.issues
    lines += ["", "### What a month costs", "", f"- {growth.month(changed, issues)}."]
    lines += ["", "`growth.py` names the sources of prices and limits.", ""]
    return "\n".join([*lines, *growth.many_accounts(changed, asked, unchanged, issues)])


def _work_of(sync: jobs.Sync) -> growth.Work:
    return growth.Work(
        seconds=sync.seconds,
        tables=sum(job.tables for job in sync.jobs),
        loads=sync.kinds["load"],
        calls=sync.calls + len(sync.jobs),
    )


QUIET_HEADING = "\n## Accounts of which only what signals name is read\n"
QUIET_TARGETS = {1: 6500, 6: 4600}
"""Requests a day at most, by the hours between two syncs."""


def quiet_section(measured: quiet.Measured, environment: str) -> str:
    """Return the section of RESULTS.md about accounts that have proved quiet."""
    found = []
    for day in measured.days:
        target, before = QUIET_TARGETS[day.every_hours], measured.before(day.every_hours)
        every = "hour" if day.every_hours == 1 else f"{day.every_hours} hours"
        name = f"a sync every {every}"
        read = [sync.refresh["issues_read"] for sync in day.syncs]
        full = [not sync.refresh["issues_skipped"] for sync in day.syncs]
        between = [wrong for wrong, is_full in zip(day.wrong, full, strict=True) if not is_full]
        after = [wrong for wrong, is_full in zip(day.wrong, full, strict=True) if is_full]
        found += [
            Figure(
                f"requests a day, {name}",
                f"at most {target:,}",
                f"{day.requests:,}; {before:,} if everything is read each time",
                day.requests <= target,
            ),
            Figure(
                f"issues read, {name}",
                "",
                f"{sum(read):,} in all; {counted(sum(full), 'full read')}",
                None,
            ),
            Figure(
                f"open occurrences that differ from the API's, {name}",
                "0 after a full read",
                f"{max(after, default=0)}; {max(between, default=0)} at most between them",
                bool(after) and not max(after),
            ),
        ]
    return "\n".join(
        [
            QUIET_HEADING,
            f"An account with {measured.issues:,} issues and {measured.occurrences:,} occurrences,"
            f" of which {measured.changed} issues change a day: they are new, gone, snoozed, of"
            " another severity, or have an occurrence more or less. Each night a scan of all"
            " targets ends. Nothing was fixed before, or once a week all fixes would be read, which"
            " takes a request for each hundred. The sample API answers at once, whole syncs go into"
            " the local BigQuery, and hours pass as `benchmarks/quiet.py` says. The days begin with"
            " an account that has proved quiet."
            " `python -m benchmarks --only quiet` measures these and writes this section."
            f" {environment}",
            "",
            *table(found),
        ]
    )


def replace_section(results: str, section: str) -> str:
    """Return RESULTS.md with this section in place of its own, or before BigQuery's jobs."""
    heading = section[: section.index("\n", 1) + 1]
    before, found, rest = results.partition(heading)
    if not found:
        before, following, after = results.partition(JOBS_HEADING)
        return before + section + "\n" + following + after
    _, next_heading, after = rest.partition("\n## ")
    return before + section + "\n" + next_heading + after


def _throughput(runs: reading.Runs) -> list[Figure]:
    name = reading.SCENARIOS[-1].name
    ours = runs[name, OURS]
    rows = reading.median(ours, reading.rows_a_second)
    theirs = reading.median(runs[name, CDK_20], reading.rows_a_second)
    return [
        Figure(
            "rows a second, read and normalized, 0 ms, 2000 issues with 100 000 occurrences",
            "at least 25,000, and more than the CDK",
            f"{spread([reading.rows_a_second(r) for r in ours], 0)};"
            f" the CDK {theirs:,.0f} (read, not normalized)",
            rows >= 25_000 and not rows <= theirs,
        )
    ]


def _work(runs: reading.Runs) -> Figure:
    taken = {name: reading.work(runs, name) for name in reading.WORK[0].candidates}
    words = {
        name: f"{request * 1e3:.2f} ms and {row * 1e6:.0f} µs"
        for name, (request, row) in taken.items()
    }
    request, row = taken[OURS]
    return Figure(
        "processor time of a request, and of a row, 0 ms",
        "at most 0.6 ms and 22 µs",
        f"{words.pop(OURS)}; " + ", ".join(f"{name} {text}" for name, text in words.items()),
        request <= 0.6e-3 and row <= 22e-6,
    )


def _jobs(syncs: dict[str, list[jobs.Sync]]) -> list[Figure]:
    nothing, all_changed = "at most 8 s, 1 query and no load", "at most 20 s, 13 jobs and 60 calls"
    defaults = "fewer than 11 queries and 5 loads, dlt's default"
    found = []
    for candidate, measured in syncs.items():
        sync = jobs.median(measured)
        queries, loads, calls = sync.kinds["query"], sync.kinds["load"], sync.calls
        found_nothing = (nothing, sync.seconds <= 8 and queries <= 1 and not loads)
        target, reached = {
            UNCHANGED: found_nothing,
            QUIET: found_nothing,
            OURS: (all_changed, sync.seconds <= 20 and queries + loads <= 13 and calls <= 60),
            SAME_TABLES: (defaults, queries < 11 and loads < 5),
        }.get(candidate, ("", None))
        found.append(
            Figure(
                candidate,
                target,
                f"{spread([s.seconds for s in measured], 1)} s,"
                f" queries: {queries}, loads: {loads}, calls: {calls}",
                reached,
            )
        )
    further = jobs.median(syncs[OURS]).requests - jobs.median(syncs[SAME_TABLES]).requests
    found.append(
        Figure(
            "requests for what was fixed, schedules, tags and licenses",
            "3, and a page for each hundred that were fixed in the last week, here fewer",
            f"{further}",
            further == 4,
        )
    )
    return found


def in_short(m: Measurements) -> list[str]:
    """Return the summary of a complete run, from which the README takes its figures."""
    slow, slower, quota, _, many = reading.SCENARIOS

    def seconds(scenario: reading.Scenario, candidate: str) -> str:
        return f"{reading.median(m.runs[scenario.name, candidate], lambda r: r.read):.1f} s"

    requests = statistics.median(r.api["requests"] for r in m.runs[slow.name, OURS])
    allowed = reading.median(m.runs[quota.name, OURS], reading.share_of_allowed)
    speed = reading.median(m.runs[many.name, OURS], reading.rows_a_second)
    memory = {number: statistics.median(values) for number, values in m.memory.items()}
    peaks = [
        f"{'not done in time' if math.isnan(mib) else f'{mib:.0f} MiB'} at {number:,}"
        for number, mib in memory.items()
    ]
    answered = statistics.median(start["answered"] for start in m.cold)
    return [
        f"- 1000 issues with everything else, {requests:.0f} requests: {seconds(slow, OURS)} at"
        f" 50 ms a request, where {slow.limit:.1f} s is the minimum; {seconds(slower, OURS)} at"
        " 200 ms.",
        f"- The same at 50 ms with Airbyte's CDK: {seconds(slow, CDK)}, or {seconds(slow, CDK_20)}"
        f" with 20 concurrent requests; with dlt as in its guide: {seconds(slow, GUIDE)}, or"
        f" {seconds(slow, GUIDE_PARALLEL)} in parallel.",
        f"- Of a quota of {reading.RATE} requests a second it uses {100 * allowed:.0f} %.",
        f"- {speed:,.0f} rows a second are read and prepared for loading.",
        f"- Memory with temporary files, by number of occurrences: {', '.join(peaks)}.",
        *([_rolling_in_short(m.under_quota.rolling[0])] if m.under_quota else []),
        f"- A cold function answers after {answered:.1f} s.",
    ]


def _rolling_in_short(rolling: quota.Rolling) -> str:
    failed = sum(sync.error is not None for sync in rolling.round)
    return (
        f"- {rolling.scale.issues:,} issues with {rolling.occurrences:,} occurrences, under a quota"
        f" of {rolling.scale.per_hour} requests an hour: all are read after {len(rolling.round)}"
        f" hourly syncs; {failed} fail."
    )


def side_by_side(runs: reading.Runs) -> str:
    """Return a table of each candidate in each scenario."""
    lines = [
        "| API | candidate | requests | seconds to read | rows a second | refused | rows lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for scenario in reading.SCENARIOS:
        if scenario.limit:
            least = scenario.api.sizes.least_requests()
            shown = f"{scenario.limit:.2f}"
            if scenario.api.rate:
                shown = f"{max(scenario.limit, least / scenario.api.rate - WINDOW):.2f}"
            lines.append(f"| {scenario.name} | computed minimum | {least} | {shown} | | | |")
        for candidate in scenario.candidates:
            found = runs[scenario.name, candidate]
            total = sum(scenario.api.sizes.rows().values())
            speed = [total / r.prepared for r in found]
            cells = [
                scenario.name,
                candidate,
                f"{statistics.median(r.api['requests'] for r in found):.0f}",
                spread([r.read for r in found]),
                spread(speed, 0),
                f"{statistics.median(100 * reading.share_refused(r) for r in found):.1f} %",
                f"{max(r.lost for r in found):,}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def measured_for_growth(m: Measurements) -> growth.Measured:
    """Return the figures from which cost and growth are computed."""
    slower = reading.SCENARIOS[1]
    (_, _), (few, less), (many, more) = (
        (number, statistics.median(values)) for number, values in m.memory.items()
    )
    each = (more - less) / (many - few)
    return growth.Measured(
        overhead=reading.median(m.runs[slower.name, OURS], lambda r: r.read) / slower.limit,
        cold=statistics.median(start["answered"] for start in m.cold),
        bigquery=statistics.median(s.jobs_seconds for s in m.syncs[OURS]),
        memory_least=less - each * few,
        memory_each=each,
    )


def chart(runs: reading.Runs) -> str:
    """Return an SVG: seconds to read at 50 ms by candidate, and the minimum."""
    scenario = reading.SCENARIOS[0]
    bars = [("the minimum", scenario.limit)] + [
        (candidate, reading.median(runs[scenario.name, candidate], lambda r: r.read))
        for candidate in (OURS, CDK_20, GUIDE_PARALLEL, CDK, GUIDE)
    ]
    scale = 420 / max(seconds for _, seconds in bars if not math.isnan(seconds))
    parts = []
    for number, (name, seconds) in enumerate(bars):
        y, shown = 44 + 30 * number, "failed" if math.isnan(seconds) else f"{seconds:.1f}"
        width = 0 if math.isnan(seconds) else max(1, round(seconds * scale))
        color = {"the minimum": "#999", OURS: "#0b7285"}.get(name, "#ced4da")
        parts.append(
            f'<text x="170" y="{y + 15}" text-anchor="end">{name}</text>'
            f'<rect x="180" y="{y}" width="{width}" height="20" fill="{color}"/>'
            f'<text x="{186 + width}" y="{y + 15}">{shown}</text>'
        )
    height = 54 + 30 * len(bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="660" height="{height}"'
        ' font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="10" y="22">Seconds to read {scenario.api.sizes.least_requests()} pages at'
        f" 50 ms each</text>{''.join(parts)}</svg>\n"
    )


def machine() -> str:
    """Describe the machine, and the versions of what was measured."""
    model = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    airbyte = "not installed"
    if (python := ROOT / ".venv-airbyte/bin/python").exists():
        airbyte = subprocess.run(
            [python, "-c", "from importlib.metadata import version; print(version('airbyte-cdk'))"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {model[0] if model else platform.machine()},"
        f" {os.cpu_count()} cores, Linux {platform.release()}; Python {platform.python_version()},"
        f" dlt {version('dlt')}, google-cloud-bigquery {version('google-cloud-bigquery')},"
        f" airbyte-cdk {airbyte}. Load at the start: {os.getloadavg()[0]:.1f}."
    )


def table(found: list[Figure]) -> list[str]:
    """Return the figures as a table."""
    reached = {True: "reached", False: "**not reached**", None: ""}
    return [
        "| figure | target | measured | |",
        "|---|---|---|---|",
        *(f"| {f.name} | {f.target} | {f.measured} | {reached[f.reached]} |" for f in found),
    ]


def document(m: Measurements, repetitions: int, environment: str) -> str:
    """Return RESULTS.md for what was measured."""
    whole = bool(m.runs and m.memory and m.cold and m.syncs)
    lines = [
        "# Results of the benchmark",
        "",
        "Written by `make bench`. The modules of this folder show how each figure is measured.",
        environment,
        f"Figures are medians of {repetitions} repetitions in turns, with minimum and maximum.",
        "",
        *([*in_short(m), ""] if whole else []),
        *table(figures(m)),
    ]
    if m.runs:
        lines += [
            "",
            "## Reading, side by side",
            "",
            "![Seconds to read](seconds.svg)",
            "",
            side_by_side(m.runs),
            "",
            "Airbyte's rows count when they are JSON lines, as its connectors print them; those of"
            " dlt and of this program when they are in files, ready to load. The defaults of dlt's"
            " guide and of the CDK are measured only at 50 ms: otherwise they take minutes.",
        ]
    if m.ceiling:
        ceilings = "; ".join(
            f"{spread(v, 0)} requests a second of {k}" for k, v in m.ceiling.items()
        )
        lines += ["", f"The server's own ceiling: {ceilings}, on one core."]
    if m.imports:
        names = ", ".join(f"`{name}`" for name in m.imports["main"][0]["packages"])
        lines += ["", f"`import main` imports: {names}."]
    if m.limits:
        lines += [limits_section(m.limits, environment)]
    if m.shapes:
        lines += [shapes_section(m.shapes, repetitions, environment)]
    if m.under_quota:
        lines += [quota_section(m.under_quota, environment)]
    if m.accounts:
        lines += [accounts_section(m.accounts, environment)]
    if m.when_quiet:
        lines += [quiet_section(m.when_quiet, environment)]
    if m.beside_earlier:
        lines += [findings_section(m.beside_earlier, environment)]
    if m.syncs:
        lines += [jobs_section(m.syncs, environment)]
    if whole:
        measured = measured_for_growth(m)
        lines += ["", "## How the work grows", "", growth.section(measured), ""]
        lines += [(ROOT / "benchmarks/NOTES.md").read_text().rstrip()]
    return "\n".join(lines) + "\n"
