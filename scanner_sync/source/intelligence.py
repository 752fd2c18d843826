"""CVE intelligence: what KEV, EPSS and SSVC say of the account's CVEs.

KEV and EPSS are files with all CVEs, so asking for them tells nobody which ones the account has.
SSVC is asked for one CVE at a time.
"""

import csv
import gzip
import io
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import ijson
import orjson

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.settings import FEEDS
from scanner_sync.source.feed_reader import AT_ONCE, FeedFault, FeedReader, Unchanged, limited
from scanner_sync.source.rows import CONVERSIONS

Row = dict[str, Any]
State = Mapping[str, Any]

CVE: Final = re.compile("CVE-([0-9]{4})-([0-9]{4,19})")
JSON_LIMIT: Final = 4 * 2**20
"""Bytes of what is read as JSON, which may take 30 times as much memory. KEV has about 1.3 MB, and
is read entry by entry."""
FILE_LIMIT: Final = 16 * 2**20
"""Bytes of EPSS as it is sent. It has about 2.5 MB."""
UNPACKED_LIMIT: Final = 64 * 2**20
"""Bytes of EPSS when it is unpacked. It has about 13 MB, and is read line by line."""
LONGEST_LINE: Final = 1000
"""Characters of a line of EPSS; a longer one is read as several, which have too few columns."""
SSVC_REQUESTS: Final = 500
"""Records that a sync asks for at most."""
UNREADABLE_RECORDS: Final = 3
"""Records that may be of no use before no further ones are asked for."""
SSVC_AGE: Final = timedelta(days=7)
"""After which time a record is asked for again."""
LONGEST_VALIDATOR: Final = 300
"""Characters of an ETag or a date that are kept for the next request."""
KNOWN_CVE: Final = "CVE-2021-44228"
"""Log4Shell, which each feed knows. To ask for it tells nobody which CVEs an account has."""
_HOSTS: Final = frozenset(str(urlsplit(url).hostname) for url in FEEDS.values())


def cves_in(values: Iterable[object]) -> set[str]:
    """Return the CVEs among values, in capitals. Anything else is left out."""
    texts = (value.strip().upper() for value in values if isinstance(value, str))
    return {text for text in texts if CVE.fullmatch(text)}


@dataclass
class Intelligence:
    """The rows of CVEs, before or after the feeds were read."""

    rows: dict[str, Row]
    """Rows of `cve_intelligence`, by CVE."""
    state: dict[str, State]
    """What each feed needs when it is read the next time, such as its ETag, in JSON's types."""


@dataclass
class _Feeds:
    """What the readers of the feeds share."""

    reader: FeedReader
    urls: Mapping[str, str]
    today: date
    known: Intelligence
    rows: dict[str, Row]
    """The rows as far as they are read."""
    is_complete: bool
    """Whether the feeds were read for all of these CVEs before."""
    state: dict[str, State] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    """The feeds that could not be read."""


def read_intelligence(
    urls: Mapping[str, str],
    cves: Iterable[str],
    known: Intelligence,
    now: datetime,
    deadline: Deadline,
    sleep: Callable[[float], None] = time.sleep,
) -> Intelligence:
    """Return the rows of the CVEs after the feeds in `urls` were read.

    `cves` are the account's, and the ones in `known` are added. `urls` are addresses by the
    names in `FEEDS`. A feed that cannot be read leaves the rows as they were, and `feed_failed` is
    logged.
    """
    rows = dict(known.rows) | {cve: {"cve": cve} for cve in {*cves} - known.rows.keys()}
    with closing(FeedReader(deadline, _HOSTS, sleep)) as reader:
        feeds = _Feeds(reader, urls, now.date(), known, rows, rows.keys() == known.rows.keys())
        is_silent = True
        for part in chain.from_iterable(_guarded(feeds, name) for name in urls):
            is_silent = False
            rows[part["cve"]] = rows[part["cve"]] | part
    if is_silent and feeds.failed == urls.keys():
        return Intelligence(dict(known.rows), feeds.state)
    if rows != known.rows and not feeds.failed:
        rows = {cve: row | {"read_at": now} for cve, row in rows.items()}
    return Intelligence(rows, feeds.state)


def try_feed(name: str, url: str, today: date, deadline: Deadline) -> bool:
    """Read a feed to its end, once, and tell whether it knows `KNOWN_CVE`. Raises `FeedFault`."""
    rows: dict[str, Row] = {KNOWN_CVE: {"cve": KNOWN_CVE}}
    with closing(FeedReader(deadline, _HOSTS, attempts=1)) as reader:
        feeds = _Feeds(reader, {name: url}, today, Intelligence({}, {}), rows, False)
        [said] = [*_READERS[name](feeds)] or [{}]
    # Without the keys that are there also of a CVE that it does not know.
    return any(said[key] for key in said.keys() - {"cve", "ssvc_on"})


def _guarded(feeds: _Feeds, name: str) -> Iterator[Row]:
    """Yield rows with a CVE and the columns that a feed knows, and log why if it cannot be read."""
    before = feeds.known.state.get(name, {})
    try:
        yield from _READERS[name](feeds)
    except Unchanged:
        feeds.state[name] = before
    except FeedFault as fault:
        earlier = before.get("failures")  # anybody may edit the description that has it
        failures = earlier + 1 if isinstance(earlier, int) else 1
        log.event("feed_failed", logging.WARNING, feed=name, reason=str(fault), failures=failures)
        feeds.failed.add(name)
        # Without what would keep the next sync from reading it.
        kept = {key: before[key] for key in before.keys() & {"dated", "entries"}}
        feeds.state[name] = kept | {"failures": failures}


def _file(
    feeds: _Feeds,
    name: str,
    parse: Callable[[BinaryIO, float], tuple[datetime, int, list[Row]]],
    limit: int,
) -> Iterator[Row]:
    """Yield the rows of a feed that is one file, once all of it is read and believed.

    The file has at most `limit` bytes. `parse` gets it, and the moment until which it may take; it
    returns the time that the file says it is of, the number of its entries, and the rows.
    """
    before = feeds.known.state.get(name, {})
    headers = {}
    if feeds.is_complete and "etag" in before:
        headers = {"If-None-Match": before["etag"]}
    elif feeds.is_complete and "last_modified" in before:
        headers = {"If-Modified-Since": before["last_modified"]}
    until = feeds.reader.end()

    def parse_all(body: BinaryIO, answered: Mapping[str, str]) -> tuple[State, list[Row]]:
        dated, entries, rows = parse(body, until)
        _check_age(dated, before, feeds.today)
        _check_size(entries, before)
        validators = {
            key: value
            for key, header in (("etag", "ETag"), ("last_modified", "Last-Modified"))
            if (value := answered.get(header, "")) and len(value) <= LONGEST_VALIDATOR
        }
        return validators | {"dated": dated.isoformat(), "entries": entries}, rows

    feeds.state[name], rows = feeds.reader.read(
        feeds.urls[name], parse_all, limit=limit, until=until, headers=headers
    )
    yield from rows


def _check_age(dated: datetime, before: State, today: date) -> None:
    if dated.date() > today + timedelta(days=1):
        raise FeedFault(f"it is of {dated.date()}, which is in the future")
    if "dated" in before and dated < datetime.fromisoformat(before["dated"]):
        raise FeedFault(f"it is of {dated.date()}, which is older than what was read before")


def _check_size(entries: int, before: State) -> None:
    if entries == 0:
        raise FeedFault("it is empty")
    if 2 * entries < before.get("entries", 0):
        raise FeedFault(
            f"it has {entries} entries, which is less than half of the {before['entries']} that it"
            " had before; if that is right, clear the description of the table cve_intelligence"
        )


def _kev(feeds: _Feeds) -> Iterator[Row]:
    """Yield what CISA's catalog says of each CVE: that it is in it, or that it is not."""

    def parse(body: BinaryIO, until: float) -> tuple[datetime, int, list[Row]]:
        head: dict[str, Any] = {}

        def noted(events: Iterable[tuple[str, str, Any]]) -> Iterator[tuple[str, str, Any]]:
            for event in events:
                if event[0] in ("count", "dateReleased"):
                    head[event[0]] = event[2]
                yield event

        rows = {cve: _not_listed(cve, row, feeds.today) for cve, row in feeds.rows.items()}
        entries = 0
        for entry in ijson.items(noted(ijson.parse(body)), "vulnerabilities.item"):
            entries += 1
            cve = entry["cveID"].strip().upper()
            if cve in rows:
                rows[cve] = _listed(cve, entry)
        if head["count"] != entries:
            raise FeedFault(f"it has {entries} entries and says that it has another number")
        return _moment(head["dateReleased"]), entries, [*rows.values()]

    yield from _file(feeds, "kev", parse, JSON_LIMIT)


def _listed(cve: str, entry: Row) -> Row:
    due = entry.get("dueDate")
    return {
        "cve": cve,
        "in_kev": True,
        "kev_added_on": date.fromisoformat(entry["dateAdded"]),
        "kev_due_on": date.fromisoformat(due) if due else None,
        "kev_removed_on": None,
        "kev_ransomware": _word(entry.get("knownRansomwareCampaignUse"), "known", "unknown"),
        "kev_forensic_triage": _word(entry.get("forensicTriage"), "yes", "no"),
    }


def _not_listed(cve: str, known: Row, today: date) -> Row:
    if not known.get("in_kev"):
        return {"cve": cve, "in_kev": False}
    # An entry that is taken back leaves no trace in the catalog.
    gone = dict.fromkeys(("kev_due_on", "kev_ransomware", "kev_forensic_triage"))
    return {"cve": cve, "in_kev": False, "kev_removed_on": today} | gone


def _word(value: object, yes: str, no: str) -> bool | None:
    """Return what a word means, in any case; None for any other word."""
    return {yes: True, no: False}.get(str(value).strip().lower())


def _epss(feeds: _Feeds) -> Iterator[Row]:
    """Yield the score of each CVE that has one."""

    def parse(body: BinaryIO, until: float) -> tuple[datetime, int, list[Row]]:
        assert isinstance(body, io.BufferedReader)
        if body.peek(2)[:2] == b"\x1f\x8b":  # a mirror may serve it unpacked
            body = limited(gzip.GzipFile(fileobj=body).read1, UNPACKED_LIMIT, until)
        text = io.TextIOWrapper(body, "utf-8", newline="")
        scored_on = _moment(re.findall(r"score_date:([^,\s]+)", text.readline(LONGEST_LINE))[0])
        lines = csv.reader(iter(lambda: text.readline(LONGEST_LINE), ""))
        names = next(lines, [])
        cve, score, percentile = map(names.index, ("cve", "epss", "percentile"))
        rows: dict[str, Row] = {}
        entries = 0
        for line in lines:
            entries += 1
            if len(line) != len(names):
                raise ValueError
            if line[cve] in feeds.rows:
                rows[line[cve]] = {
                    "cve": line[cve],
                    "epss": _share(line[score]),
                    "epss_percentile": _share(line[percentile]),
                    "epss_on": scored_on.date(),
                }
        return scored_on, entries, [*rows.values()]

    yield from _file(feeds, "epss", parse, FILE_LIMIT)


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError
    return number


def _ssvc(feeds: _Feeds) -> Iterator[Row]:
    """Yield what CISA decided about CVEs that were never asked for, or not for a week.

    CVEs that were never asked for come first, and then the ones that were asked for longest ago.
    Among equals, CVEs in KEV come first, and then the newest.
    """

    def order(cve: str) -> tuple[date, bool, list[int]]:
        row = feeds.rows[cve]
        numbers = [-int(number) for number in cve.split("-")[1:]]
        return row.get("ssvc_on") or date.min, not row.get("in_kev"), numbers

    until = feeds.reader.end()
    faults: list[FeedFault] = []

    def ask(cve: str) -> Row | None:
        if time.monotonic() > until:
            return None  # it is left to the next sync
        found: Row = {"cve": cve, "ssvc_on": feeds.today}
        try:
            return found | feeds.reader.read(
                feeds.urls["ssvc"].replace("{cve}", cve),
                lambda body, _: _decisions(orjson.loads(body.read()), cve),
                limit=JSON_LIMIT,
                until=until,
                headers={},
            )
        except FeedFault as fault:
            if fault.status == 404:  # such as a CVE that is only reserved
                return found
            # One record must not keep the next ones from being asked for, today and every day.
            faults.append(fault)
            if fault.status or fault.passes or len(faults) == UNREADABLE_RECORDS:
                raise
            return None

    due = [
        cve
        for cve, row in feeds.rows.items()
        if not row.get("ssvc_on") or feeds.today - row["ssvc_on"] >= SSVC_AGE
    ]
    with ThreadPoolExecutor(AT_ONCE, "ssvc") as pool:
        yield from filter(None, pool.map(ask, sorted(due, key=order)[:SSVC_REQUESTS]))
    if faults:
        raise faults[0]


def _decisions(record: Any, cve: str) -> Row:
    """Return what CISA's container in a CVE record says.

    Decisions that it lacks are left out, so that known ones stay. A rejected record has none.
    """
    if record["cveMetadata"]["cveId"].upper() != cve:
        raise ValueError
    options: dict[str, str] = {}
    for container in record["containers"].get("adp", []):
        if "cisa" not in str(container.get("providerMetadata", {}).get("shortName")).lower():
            continue
        for metric in container.get("metrics", []):
            other = metric.get("other", {})
            if str(other.get("type")).lower() == "ssvc":
                for option in other["content"]["options"]:
                    options |= {key.lower(): str(of).lower() for key, of in option.items()}
    impact = options.get("technical impact")
    found = {
        "automatable": _word(options.get("automatable"), "yes", "no"),
        "technical_impact": impact if impact in ("partial", "total") else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _moment(value: object) -> datetime:
    moment = CONVERSIONS["timestamp"](value)
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


_READERS: Final = {"kev": _kev, "epss": _epss, "ssvc": _ssvc}
