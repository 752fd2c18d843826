"""What KEV, EPSS and SSVC say of CVEs, from a real server: right, wrong, late and not at all."""

import contextlib
import gzip
import json
import logging
import re
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from local.processes import answering
from scanner_sync.deadline import Deadline
from scanner_sync.source import intelligence
from scanner_sync.source.intelligence import Intelligence, cves_in, read_intelligence
from tests.support.tls import Sockets, forwarding, tls

NOW: Final = datetime(2026, 11, 24, 6, tzinfo=UTC)
TODAY: Final = NOW.date()
YESTERDAY: Final = NOW - timedelta(days=1)
LISTED, OTHER = "CVE-2024-1001", "CVE-2023-1002"


@dataclass
class Answer:
    """What a server answers: with `length` it says that the body is longer than it is."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


class Server:
    """Answers requests by their path, and notes them."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answer | Callable[[Any], None]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def asked(self) -> list[str]:
        """Return the paths that were asked for since the last call."""
        paths = [path for path, _ in self.requests]
        self.requests.clear()
        return paths


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    """One server for all tests, because it takes half a second to stop."""
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.requests.append((self.path, dict(self.headers)))
            answer = found.answers.get(self.path, Answer(status=404))
            if callable(answer):
                answer(self)
                return
            validators = {answer.headers.get("ETag"), answer.headers.get("Last-Modified")} - {None}
            asked = {self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")}
            if validators & asked:
                answer = Answer(status=304)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                self.send_header("Content-Length", str(answer.length or len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection |= answer.length is not None

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with answering(Handler) as found.url:
        yield found


@pytest.fixture
def server(served: Server) -> Iterator[Server]:
    """The server, which the test tells what to answer."""
    url = served.url
    served.answers = {}
    served.requests.clear()
    yield served
    served.url = url


def entry(cve: str, **more: object) -> dict[str, Any]:
    return {
        "cveID": cve,
        "dateAdded": "2026-11-02",
        "dueDate": "2026-11-16",
        "knownRansomwareCampaignUse": "Known",
        "forensicTriage": "No",
    } | more


def kev(*entries: dict[str, Any], day: str = "2026-11-24", **more: object) -> bytes:
    """Return the catalog with these entries, and three that are not the account's."""
    listed = [*entries, *(entry(f"CVE-2020-{number}") for number in range(1000, 1003))]
    catalog = {"dateReleased": f"{day}T17:00:17.0447Z", "count": len(listed)}
    return json.dumps(catalog | {"vulnerabilities": listed} | more).encode()


def epss(*lines: str, day: str = "2026-11-24", names: str = "cve,epss,percentile") -> bytes:
    rest = [f"CVE-2020-{number},0.1,0.2" for number in range(1000, 1003)]
    first = f"#model_version:v2026.06.15,score_date:{day}T00:00:00+0000"
    return "\n".join([first, names, *lines, *rest]).encode() + b"\n"


def record(cve: str, *options: dict[str, str], state: str = "PUBLISHED") -> bytes:
    other = {"type": "SSVC", "content": {"options": options}}
    adp = {"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [{"other": other}]}
    foreign = {"providerMetadata": {"shortName": "CVE"}, "metrics": [{"other": {"type": "ssvc"}}]}
    containers: dict[str, Any] = {"cna": {}} | ({"adp": [foreign, adp]} if options else {})
    return json.dumps(
        {"cveMetadata": {"cveId": cve, "state": state}, "containers": containers}
    ).encode()


DECIDED = ({"Exploitation": "poc"}, {"AUTOMATABLE": "Yes"}, {"technical Impact": "TOTAL"})


@dataclass
class Feeds:
    """The feeds of a server, and what was read of them before."""

    server: Server
    known: Intelligence = field(default_factory=lambda: Intelligence({}, {}))
    slept: list[float] = field(default_factory=list)
    deadline: Deadline = field(default_factory=lambda: Deadline(600))

    def read(
        self, *names: str, cves: tuple[str, ...] = (LISTED, OTHER), now: datetime = NOW
    ) -> dict[str, dict[str, Any]]:
        """Read the feeds of these names at a time, and return the rows."""
        urls = {"kev": "/kev.json", "epss": "/epss.csv.gz", "ssvc": "/cve/{cve}"}
        asked = {name: self.server.url + urls[name] for name in names}
        self.known = read_intelligence(
            asked, cves, self.known, now, self.deadline, self.slept.append
        )
        return self.known.rows


@pytest.fixture
def feeds(server: Server) -> Feeds:
    """Feeds that were read yesterday."""
    server.answers = {
        "/kev.json": Answer(kev(entry(LISTED), day="2026-11-23"), headers={"ETag": '"k1"'}),
        "/epss.csv.gz": Answer(
            gzip.compress(epss(f"{LISTED},0.91,0.99", f"{OTHER},0.0004,0.1", day="2026-11-23")),
            headers={"Last-Modified": "Mon, 23 Nov 2026 12:00:00 GMT"},
        ),
        f"/cve/{LISTED}": Answer(record(LISTED, *DECIDED)),
    }
    found = Feeds(server)
    found.read("kev", "epss", now=YESTERDAY)
    server.asked()
    return found


def test_what_the_feeds_say(feeds: Feeds) -> None:
    """Each column, of a CVE that is listed and of one that is not."""
    assert feeds.read("kev", "epss", "ssvc") == {
        LISTED: {
            "cve": LISTED,
            "in_kev": True,
            "kev_added_on": date(2026, 11, 2),
            "kev_due_on": date(2026, 11, 16),
            "kev_removed_on": None,
            "kev_ransomware": True,
            "kev_forensic_triage": False,
            "epss": 0.91,
            "epss_percentile": 0.99,
            "epss_on": date(2026, 11, 23),
            "automatable": True,
            "technical_impact": "total",
            "ssvc_on": TODAY,
            "read_at": NOW,
        },
        OTHER: {
            "cve": OTHER,
            "in_kev": False,
            "epss": 0.0004,
            "epss_percentile": 0.1,
            "epss_on": date(2026, 11, 23),
            "ssvc_on": TODAY,
            "read_at": NOW,
        },
    }


def test_a_feed_without_a_change_costs_one_conditional_request(
    feeds: Feeds, server: Server
) -> None:
    """With an ETag, or without one with its date; nothing is learned, and nothing forgotten."""
    before = feeds.known
    feeds.read("kev", "epss")
    conditions = [
        {name: value for name, value in headers.items() if name.startswith("If-")}
        for _, headers in server.requests
    ]
    assert conditions == [
        {"If-None-Match": '"k1"'},
        {"If-Modified-Since": "Mon, 23 Nov 2026 12:00:00 GMT"},
    ]
    assert feeds.known == before
    # A server without either is read again, and that it says the same is no change.
    for answer in server.answers.values():
        assert isinstance(answer, Answer)
        answer.headers = {}
    feeds.known = before
    feeds.read("kev", "epss")
    assert feeds.known.rows == before.rows


def test_a_new_cve_is_asked_for_without_a_condition(feeds: Feeds, server: Server) -> None:
    """The feeds may have known it for long."""
    server.answers["/kev.json"] = Answer(
        kev(entry(LISTED), entry("CVE-2025-7"), day="2026-11-23"), headers={"ETag": '"k1"'}
    )
    rows = feeds.read("kev", "epss", cves=("CVE-2025-7",))
    assert not any(name.startswith("If-") for _, headers in server.requests for name in headers)
    assert rows.keys() == {LISTED, OTHER, "CVE-2025-7"}
    assert rows["CVE-2025-7"]["in_kev"]
    assert rows["CVE-2025-7"].get("epss") is None  # it has no score


def test_nobody_learns_the_token_or_the_cves(
    feeds: Feeds, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KEV and EPSS are whole files; SSVC is asked for one CVE at a time, and for nothing else."""
    monkeypatch.setenv("ACCESS_TOKEN", "a-token")
    feeds.known = Intelligence({}, {})
    feeds.read("kev", "epss", "ssvc")
    sent = str(server.requests)
    assert "a-token" not in sent
    assert not {"authorization", "cookie"} & {
        name.lower() for _, headers in server.requests for name in headers
    }
    asked = server.asked()
    assert asked[:2] == ["/kev.json", "/epss.csv.gz"]
    assert sorted(asked[2:]) == [f"/cve/{OTHER}", f"/cve/{LISTED}"]


def test_an_entry_that_is_taken_back_and_comes_again(feeds: Feeds, server: Server) -> None:
    """It loses `in_kev` and what is asked of agencies, and keeps the day on which it came."""
    server.answers["/kev.json"] = Answer(kev())
    row = feeds.read("kev")[LISTED]
    assert {name: of for name, of in row.items() if "kev" in name} == {
        "in_kev": False,
        "kev_added_on": date(2026, 11, 2),
        "kev_due_on": None,
        "kev_removed_on": TODAY,
        "kev_ransomware": None,
        "kev_forensic_triage": None,
    }
    later = feeds.read("kev", now=NOW + timedelta(days=1))[LISTED]
    assert later == row  # the day on which it went stays
    server.answers["/kev.json"] = Answer(kev(entry(LISTED, dateAdded="2026-11-25")))
    row = feeds.read("kev", now=NOW + timedelta(days=2))[LISTED]
    assert (row["in_kev"], row["kev_added_on"], row["kev_removed_on"]) == (
        True,
        date(2026, 11, 25),
        None,
    )


@pytest.mark.parametrize(
    ("given", "columns"),
    [
        ({"forensicTriage": "Yes"}, {"kev_forensic_triage": True}),
        ({"forensicTriage": "yes "}, {"kev_forensic_triage": True}),
        ({"forensicTriage": None}, {"kev_forensic_triage": None}),
        ({"forensicTriage": "Review the logs."}, {"kev_forensic_triage": None}),
        ({"knownRansomwareCampaignUse": "Unknown"}, {"kev_ransomware": False}),
        # Some entries are due before they were added.
        ({"dueDate": "2026-10-01"}, {"kev_due_on": date(2026, 10, 1)}),
        ({"dueDate": None}, {"kev_due_on": None}),
        ({"dueDate": ""}, {"kev_due_on": None}),
        ({"cveID": f" {LISTED.lower()}"}, {"in_kev": True}),
        # Fields that there are not yet.
        ({"exploitMaturity": {"level": 3}}, {"in_kev": True}),
    ],
)
def test_what_an_entry_may_hold(
    feeds: Feeds, server: Server, given: dict[str, object], columns: dict[str, object]
) -> None:
    server.answers["/kev.json"] = Answer(kev(entry(LISTED, **given), catalogOwner="CISA"))
    row = feeds.read("kev")[LISTED]
    assert row | columns == row


def test_scores_with_further_columns_and_without_gzip(feeds: Feeds, server: Server) -> None:
    """As a mirror may serve them; columns are found by their names."""
    server.answers["/epss.csv.gz"] = Answer(
        b"\n".join(
            [
                b"#model_version:v9,score_date:2026-11-24T00:00:00+0000,rows:4",
                b"percentile,cve,epss,trend",
                *(f"0.5,CVE-2020-{n},0.25,up".encode() for n in range(1000, 1003)),
                f"0.97,{LISTED},0.625,down".encode(),
            ]
        )
    )
    rows = feeds.read("epss")
    assert (rows[LISTED]["epss"], rows[LISTED]["epss_percentile"]) == (0.625, 0.97)
    assert (rows[LISTED]["epss_on"], rows[OTHER]["epss_on"]) == (TODAY, date(2026, 11, 23))


def test_decisions_are_asked_for_once_a_week(
    feeds: Feeds, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never asked before longest ago, KEV before others, new before old; within a budget."""
    monkeypatch.setattr(intelligence, "SSVC_REQUESTS", 3)
    monkeypatch.setattr(intelligence, "AT_ONCE", 1)  # so that requests are in order
    cves = ("CVE-2019-5", "CVE-2026-9", "CVE-2026-11")
    feeds.read("ssvc", cves=cves)
    assert server.asked() == [f"/cve/{cve}" for cve in (LISTED, "CVE-2026-11", "CVE-2026-9")]
    feeds.read("ssvc", now=NOW + timedelta(days=1))
    assert server.asked() == [f"/cve/{cve}" for cve in (OTHER, "CVE-2019-5")]
    feeds.read("ssvc", now=NOW + timedelta(days=6))
    assert server.asked() == []
    feeds.read("ssvc", now=NOW + timedelta(days=7))
    assert server.asked() == [f"/cve/{cve}" for cve in (LISTED, "CVE-2026-11", "CVE-2026-9")]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(record(LISTED, state="REJECTED")),
        Answer(record(LISTED, {"Exploitation": "none"})),
        Answer(record(LISTED, {"Automatable": "unclear"}, {"Technical Impact": "none"})),
        Answer(status=404),
    ],
)
def test_a_record_without_decisions_takes_nothing_away(
    feeds: Feeds, server: Server, answer: Answer
) -> None:
    """It counts as asked for."""
    feeds.read("ssvc", now=YESTERDAY)
    server.answers[f"/cve/{LISTED}"] = answer
    row = feeds.read("ssvc", now=NOW + timedelta(days=7))[LISTED]
    assert (row["automatable"], row["technical_impact"]) == (True, "total")
    assert row["ssvc_on"] == TODAY + timedelta(days=7)


@pytest.mark.parametrize("word", ["poc", "PoC", "Public PoC"])
def test_exploitation_may_have_any_name(feeds: Feeds, server: Server, word: str) -> None:
    """Records and the versions of SSVC's tables differ in it, and nothing is read of it."""
    options = {"Exploitation": word}, *DECIDED[1:]
    server.answers[f"/cve/{LISTED}"] = Answer(record(LISTED, *options))
    row = feeds.read("ssvc")[LISTED]
    assert (row["automatable"], row["technical_impact"]) == (True, "total")


def test_what_was_decided_before_a_fault_is_kept(
    feeds: Feeds, server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the rest is asked for the next day."""
    monkeypatch.setattr(intelligence, "AT_ONCE", 1)
    server.answers[f"/cve/{OTHER}"] = Answer(status=429)
    rows = feeds.read("ssvc")
    assert rows[LISTED]["ssvc_on"] == TODAY
    assert rows[OTHER].get("ssvc_on") is None
    assert reasons(caplog) == {"ssvc": "127.0.0.1 gave status 429"}
    assert server.asked() == [f"/cve/{LISTED}", *3 * [f"/cve/{OTHER}"]]


def test_a_record_of_another_form_keeps_no_other_from_being_read(
    feeds: Feeds, server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for anew the next day. If several are, no more are asked for."""
    monkeypatch.setattr(intelligence, "AT_ONCE", 1)
    cves = [f"CVE-2026-{number}" for number in range(9009, 9003, -1)]  # as they are asked for
    server.answers = {f"/cve/{cve}": Answer(record(cve, *DECIDED)) for cve in cves}
    server.answers[f"/cve/{cves[0]}"] = Answer(HTML)
    feeds.known = intelligence.Intelligence({}, {})
    rows = feeds.read("ssvc", cves=(*cves,))
    assert [cve for cve in cves if not rows[cve].get("automatable")] == cves[:1]
    assert rows[cves[0]].get("ssvc_on") is None
    assert reasons(caplog) == {"ssvc": "it has another form (JSONDecodeError)"}
    assert server.asked() == [f"/cve/{cve}" for cve in cves]

    feeds.known = intelligence.Intelligence({}, {})
    server.answers |= {f"/cve/{cve}": Answer(b"{}") for cve in cves[1:4]}
    caplog.clear()
    assert feeds.read("ssvc", cves=(*cves,)) == {}
    assert reasons(caplog).keys() == {"ssvc"}


def test_a_feed_that_stays_unreadable_counts_the_days(
    feeds: Feeds, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it is read again. What somebody wrote over the number begins at one."""
    feeds.read("kev", now=NOW)
    counted = []
    for days, (answer, written) in enumerate(
        [
            (Answer(HTML), {}),
            (Answer(HTML), {}),
            (Answer(HTML), {"failures": "many"}),
            (Answer(kev(entry(LISTED))), {}),
            (Answer(HTML), {}),
        ],
        start=1,
    ):
        server.answers["/kev.json"] = answer
        feeds.known.state["kev"] = {**feeds.known.state["kev"], **written}
        caplog.clear()
        feeds.read("kev", now=NOW + timedelta(days=days))
        counted += [
            record.__dict__["fields"]["failures"]
            for record in caplog.records
            if record.message == "feed_failed"
        ]
    assert counted == [1, 2, 1, 1]


def reasons(caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """Return the feeds that failed, and why. Each is named once."""
    records = [record for record in caplog.records if record.message == "feed_failed"]
    assert all(record.levelno == logging.WARNING for record in records)
    fields: list[dict[str, Any]] = [record.__dict__["fields"] for record in records]
    found = {of["feed"]: of["reason"] for of in fields}
    assert len(found) == len(records)
    return found


def dribble(handler: Any) -> None:
    """Send a byte at a time, until nobody listens."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(2**40))
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b" ")
    handler.close_connection = True


class HeaderDribble:
    """Sends a header of which each byte comes in time, for half a minute."""

    def __init__(self) -> None:
        self.is_over = threading.Event()

    def __call__(self, handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        with contextlib.suppress(OSError):
            for _ in range(300):
                if self.is_over.wait(0.1):
                    break
                handler.wfile.write(b"x")
        self.is_over.set()
        handler.close_connection = True


def send(handler: Any, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    with contextlib.suppress(OSError):
        handler.wfile.write(body)
    handler.close_connection = True


def long(handler: Any) -> None:
    """Send scores of more than 1 MiB."""
    send(handler, epss(*1_200 * [f"{OTHER},0.00040,0.{'1' * 950}"]))


def long_catalog(handler: Any) -> None:
    """Send a catalog of more than 1 MiB."""
    send(handler, kev(*1_200 * [entry(OTHER, notes="1" * 950)]))


def long_when_unpacked(handler: Any) -> None:
    """Send scores of more than 1 MiB that are packed into less."""
    send(handler, gzip.compress(epss(*1_200 * [f"{OTHER},0.00040,0.{'1' * 950}"])))


HTML = b"<!doctype html><title>Sign in</title>"
ZIPPED = gzip.compress(epss(f"{LISTED},0.5,0.5"))
FAULTS: list[tuple[str, str, Answer | Callable[[Any], None], str, int]] = [
    # For both kinds of files: what comes instead, why it is no use, and how often it is asked for.
    *(
        (name, path, answer, reason, asked)
        for name, path in (("kev", "/kev.json"), ("epss", "/epss.csv.gz"))
        for answer, reason, asked in (
            (Answer(status=503), "127.0.0.1 gave status 503", 3),
            (Answer(status=403), "127.0.0.1 gave status 403", 1),
            (Answer(status=302), "127.0.0.1 gave status 302", 1),
            (Answer(b"{", length=99), r"no complete answer from 127.0.0.1 \(IncompleteRead\)", 3),
            (Answer(b""), "it has another form", 1),
            (Answer(HTML), "it has another form", 1),
            (Answer(b"\xff\xfe\x00"), "it has another form", 1),
            (
                Answer(HTML, headers={"Content-Encoding": "gzip"}),
                "no complete answer .*not compressed as its header Content-Encoding says",
                3,
            ),
            (
                Answer(status=302, headers={"Location": "http://localhost:9/x"}),
                "redirects to http://localhost, which is not followed",
                1,
            ),
            (
                Answer(status=301, headers={"Location": "ftp://127.0.0.1/x"}),
                "redirects to ftp://127.0.0.1, which is not followed",
                1,
            ),
            (
                Answer(status=307, headers={"Location": "http://[::1/"}),
                "it has another form",
                1,
            ),
            (Answer(status=302, headers={"Location": path}), "redirects more than 3 times", 4),
        )
    ),
    *(
        ("kev", "/kev.json", Answer(body), reason, 1)
        for body, reason in (
            (kev(day="2026-11-22"), "it is of 2026-11-22, which is older than what was read"),
            (kev(day="2026-11-26"), "it is of 2026-11-26, which is in the future"),
            (kev(count=5), "it has 3 entries and says that it has another number"),
            (kev(count=0, vulnerabilities=[]), "it is empty"),
            (kev(count=1, vulnerabilities=[entry(LISTED)]), "less than half of the 4"),
            (kev()[:-5], "it has another form"),
            (b"[]", "it has another form"),
            (b"null", "it has another form"),
            (b'{"vulnerabilities": []}', "it has another form"),
            (kev(vulnerabilities={LISTED: 1, OTHER: 2, "c": 3}), "it has 0 entries and says that"),
            (kev(vulnerabilities=[[entry(LISTED)]]), "it has another form"),
            (kev() + b"]", "it has another form"),
            (kev(dateReleased="today"), "it has another form"),
            (kev({"cve": LISTED}), "it has another form"),
            (kev(entry(LISTED, cveID=7)), "it has another form"),
            (kev(entry(LISTED, dateAdded="2 Nov 2026")), "it has another form"),
            (kev(entry(LISTED, dateAdded=None)), "it has another form"),
            (kev(entry(LISTED, dueDate="soon")), "it has another form"),
        )
    ),
    *(
        ("epss", "/epss.csv.gz", Answer(body), reason, 1)
        for body, reason in (
            (epss(day="2026-11-22"), "it is of 2026-11-22, which is older than what was read"),
            (epss(day="2026-11-26"), "it is of 2026-11-26, which is in the future"),
            (b"\n".join(epss().splitlines()[:2]), "it is empty"),
            (b"\n".join(epss().splitlines()[:1]), "it has another form"),
            (b"\n".join(epss().splitlines()[:4]), "less than half of the 5"),
            (b"\n".join(epss().splitlines()[1:]), "it has another form"),
            (epss(names="cve,probability,percentile"), "it has another form"),
            (epss(f"{LISTED},1.5,0.5"), "it has another form"),
            (epss(f"{LISTED},nan,0.5"), "it has another form"),
            (epss(f"{LISTED},high,0.5"), "it has another form"),
            (epss(f"{LISTED},0.5"), "it has another form"),
            (epss(f'"{LISTED},0.5,0.5'), "it has another form"),
            (epss("x" * 5000), "it has another form"),
            (epss()[:-6], "it has another form"),
            (ZIPPED[: len(ZIPPED) // 2], r"it has another form \(EOFError\)"),
            (ZIPPED[:-8] + b"\x00" * 8, "it has another form"),
            (ZIPPED[:20] + b"\xff" * 20 + ZIPPED[40:], "it has another form"),
            (b"\x1f\x8b" + HTML, "it has another form"),
        )
    ),
    ("kev", "/kev.json", long_catalog, "it is longer than 1 MiB", 1),
    ("epss", "/epss.csv.gz", long, "it is longer than 1 MiB", 1),
    ("epss", "/epss.csv.gz", long_when_unpacked, "it is longer than 1 MiB", 1),
    *(
        ("ssvc", f"/cve/{LISTED}", answer, reason, asked)
        for answer, reason, asked in (
            (Answer(status=500), "127.0.0.1 gave status 500", 3),
            (Answer(HTML), "it has another form", 1),
            (Answer(b"{}"), "it has another form", 1),
            (Answer(record(OTHER, *DECIDED)), "it has another form", 1),
            (long, "it is longer than 1 MiB", 1),
        )
    ),
]


@pytest.mark.parametrize(
    ("name", "path", "answer", "reason", "asked"),
    FAULTS,
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(FAULTS)],
)
def test_a_feed_that_cannot_be_read_changes_nothing(
    feeds: Feeds,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    path: str,
    answer: Answer | Callable[[Any], None],
    reason: str,
    asked: int,
) -> None:
    """What was known stays, with when it was read; one warning says why; the next day asks anew."""
    for limit in (
        "JSON_LIMIT",
        "FILE_LIMIT",
        "UNPACKED_LIMIT",
    ):  # a large body takes long on a busy machine
        monkeypatch.setattr(intelligence, limit, 2**20)
    server.answers[path] = answer
    rows, state = feeds.known.rows, feeds.known.state.get(name, {})
    # What is wrong with a record is none of another.
    is_one = name == "ssvc" and asked == 1
    others = {OTHER: rows[OTHER] | {"ssvc_on": TODAY}} if is_one else {}
    assert feeds.read(name, cves=(LISTED,)) == rows | others
    [(feed, said)] = reasons(caplog).items()
    assert feed == name
    assert re.search(reason, said)
    assert "Sign in" not in said
    paths = server.asked()
    assert paths.count(path) == asked
    assert name == "ssvc" or len(paths) == asked
    assert len(feeds.slept) == max(0, asked - 1) * ("redirect" not in reason)
    kept = {key: state[key] for key in state.keys() & {"dated", "entries"}}
    assert feeds.known.state[name] == kept | {"failures": 1}


def test_no_file_is_in_memory_at_once(feeds: Feeds, server: Server) -> None:
    """Reading a file takes less memory than it has bytes, wherever the account's CVE is in it."""
    cves = [f"CVE-2020-{number}" for number in range(10_000, 13_000)]
    catalog = kev(*(entry(cve, notes=600 * "x") for cve in cves), entry(LISTED))
    scores = epss(*(f"{cve},0.10000,0.20000" for cve in (*20 * cves, LISTED)))
    server.answers |= {"/kev.json": Answer(catalog), "/epss.csv.gz": Answer(scores)}
    feeds.known = intelligence.Intelligence({}, {})
    for name, size in (("kev", len(catalog)), ("epss", len(scores))):
        assert size > 1_000_000
        tracemalloc.start()
        try:
            rows = feeds.read(name, cves=(LISTED,))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert rows.keys() == {LISTED}
        assert peak < size / 2, name


def test_a_feed_that_is_down_or_slow_changes_nothing(
    feeds: Feeds, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes no longer than the time that the sync has for reading."""
    rows = feeds.known.rows
    header = HeaderDribble()
    for answer in (dribble, header):
        server.answers["/kev.json"] = answer
        feeds.deadline = Deadline(1.0)  # which leaves half a second
        assert feeds.read("kev") == rows
        assert reasons(caplog) == {"kev": "it took too long"}
        caplog.clear()
    assert not header.is_over.is_set()
    header.is_over.set()
    feeds.deadline = Deadline(0)
    assert feeds.read("kev", "epss") == rows
    late = "there was no time left for it"
    assert reasons(caplog) == {"kev": late, "epss": late}
    caplog.clear()
    feeds.deadline = Deadline(600)
    server.url = "http://127.0.0.1:9"  # nothing listens there
    assert feeds.read("kev", "ssvc") == rows
    refused = "no complete answer from 127.0.0.1 (Connection refused)"
    assert reasons(caplog) == {"kev": refused, "ssvc": refused}


def test_a_fault_of_one_feed_is_none_of_another(
    feeds: Feeds, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """`read_at` says when all of them were read."""
    server.answers["/kev.json"] = Answer(HTML)
    server.answers["/epss.csv.gz"] = Answer(epss(f"{LISTED},0.25,0.5"))
    rows = feeds.read("kev", "epss")
    assert (rows[LISTED]["in_kev"], rows[LISTED]["epss"]) == (True, 0.25)
    assert {row["read_at"] for row in rows.values()} == {YESTERDAY}
    assert reasons(caplog).keys() == {"kev"}
    # The next day, KEV is asked for without a condition, although it has not changed.
    server.answers["/kev.json"] = Answer(kev(entry(LISTED)), headers={"ETag": '"k1"'})
    tomorrow = NOW + timedelta(days=1)
    rows = feeds.read("kev", "epss", cves=("CVE-2025-1",), now=tomorrow)
    assert {row["read_at"] for row in rows.values()} == {tomorrow}


def test_a_redirect_to_the_same_host_is_followed(feeds: Feeds, server: Server) -> None:
    server.answers["/kev.json"] = Answer(status=302, headers={"Location": "/moved/kev.json"})
    server.answers["/moved/kev.json"] = Answer(kev())
    assert not feeds.read("kev")[LISTED]["in_kev"]
    assert server.asked() == ["/kev.json", "/moved/kev.json"]


def test_feeds_are_read_through_the_proxy(
    feeds: Feeds, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that the environment names, as for the API."""
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.answers["http://feeds.example/kev.json"] = Answer(kev())
    server.url = "http://feeds.example"
    assert not feeds.read("kev")[LISTED]["in_kev"]
    assert server.asked() == ["http://feeds.example/kev.json"]


def test_certificates_are_checked_and_no_redirect_leaves_tls(
    feeds: Feeds,
    server: Server,
    certificate: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A certificate is trusted if the environment names it, as for the API."""
    plain = urlsplit(server.url)

    def accept(client: socket.socket) -> Sockets:
        near = tls(certificate).wrap_socket(client, server_side=True)
        return near, socket.create_connection(("127.0.0.1", plain.port or 0))

    with forwarding(accept) as port:
        server.url = f"https://127.0.0.1:{port}"
        feeds.read("kev")
        assert reasons(caplog) == {
            "kev": "no complete answer from 127.0.0.1 (CERTIFICATE_VERIFY_FAILED)"
        }
        caplog.clear()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert feeds.read("kev")[LISTED]["in_kev"]
        assert (reasons(caplog), server.asked()) == ({}, ["/kev.json"])
        moved = f"{plain.scheme}://{plain.netloc}/moved"
        server.answers["/kev.json"] = Answer(status=302, headers={"Location": moved})
        feeds.read("kev")
        assert server.asked() == ["/kev.json"]
    assert re.search("redirects to http://127.0.0.1, which is not", reasons(caplog)["kev"])


def test_only_cves_are_asked_for() -> None:
    values = ["CVE-2026-1234", " cve-2026-1235", "CVE-26-1", "N/A", None, 7, "../CVE-2026-1236"]
    assert cves_in(values) == {"CVE-2026-1234", "CVE-2026-1235"}
