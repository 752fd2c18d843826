"""Metrics, alerts and the dashboard: what they read, and what they tell."""

import bisect
import json
import logging
import operator
import re
from typing import Any

import pytest

from local.processes import ROOT
from scanner_sync import errors, log
from tests.docs.test_links import anchors

from .deployment import State, resources, values

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

# Cloud Monitoring's limit for the text of an alert, in bytes.
MOST_DOCUMENTATION = 8192

REFRESH = {
    "issues_listed": 20000,
    "issues_read": 4400,
    "issues_waiting": 15600,
    "oldest_read_at": None,
    "oldest_hours": 36.6,
}


def logged(
    capfd: pytest.CaptureFixture[str], event: str, severity: int = logging.INFO, **fields: Any
) -> dict[str, Any]:
    """Log an event as the program does, and return the entry that Cloud Logging makes of it."""
    log.configure("INFO")
    log.event(event, severity, **fields)
    return {
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "acme-scanner"}},
        "jsonPayload": json.loads(capfd.readouterr().err),
    }


def field(entry: dict[str, Any], path: str) -> Any:
    """Return the field of an entry, or None if it has no such field."""
    found: Any = entry
    for name in path.split("."):
        found = found.get(name, {})
    return None if found == {} else found


def matches(entry: dict[str, Any], conditions: str) -> bool:
    """Apply a filter of comparisons that are joined by AND, as Cloud Logging does."""
    comparisons = re.findall(r"(\S+?)(=|>)(\S+)(?: AND |$)", conditions)
    assert " AND ".join("".join(parts) for parts in comparisons) == conditions
    compare = {"=": operator.eq, ">": operator.gt}
    return all(
        (found := field(entry, path)) is not None and compare[sign](found, json.loads(limit))
        for path, sign, limit in comparisons
    )


def test_alerts_list_the_steps_to_take(deployments: dict[str, State]) -> None:
    """Each alert lists steps to take, with the commands of this deployment; some are optional."""
    always = {
        *("a run failed", "the token was refused", "no run succeeded"),
        *("occurrences are old", "many occurrences disappeared at once"),
    }
    expected = {
        "http": {f"scanner-sync: {name}" for name in always},
        "pubsub": {f"scanner-sync: {name}" for name in always - {"occurrences are old"}},
        "every_variable_given": {f"acme-scanner: {name}" for name in always | {"a feed is stale"}},
        "accounts": {
            f"scanner-sync: {name}" for name in always | {"no run of an account succeeded"}
        },
    }
    for run, names in expected.items():
        alerts = {
            resource["values"]["display_name"]: resource["values"]
            for resource in resources(deployments[run])
            if resource["type"] == "google_monitoring_alert_policy"
        }
        assert set(alerts) == names
        for name, alert in alerts.items():
            [documentation] = alert["documentation"]
            assert re.search(r"^1\. ", documentation["content"], re.MULTILINE), name
            assert deployments[run]["outputs"]["run_now"]["value"] in documentation["content"], name
            assert len(documentation["content"].encode()) < MOST_DOCUMENTATION, name


def test_alerts_link_to_their_sections(deployments: dict[str, State]) -> None:
    """With `runbook_url`, each alert opens the section of the runbook that is about it."""
    runbook = ROOT / "docs/runbook.md"
    for run in ("http", "every_variable_given"):
        for resource in resources(deployments[run]):
            if resource["type"] == "google_monitoring_alert_policy":
                name = resource["values"]["display_name"].split(": ")[1]
                section = name.replace(" ", "-")
                assert section in anchors(runbook)
                links = resource["values"]["documentation"][0]["links"]
                url = f"https://github.com/acme/scanner-sync/blob/main/docs/runbook.md#{section}"
                given = [{"display_name": "Runbook", "url": url}]
                assert links == (given if run == "every_variable_given" else []), name


def test_the_alert_on_what_disappeared_has_its_numbers(
    deployments: dict[str, State], capfd: pytest.CaptureFixture[str]
) -> None:
    """It fires for the event, and its text shows the numbers of the event."""
    alert = values(
        deployments["every_variable_given"], "google_monitoring_alert_policy.mass_disappearance"
    )
    [condition] = alert["conditions"][0]["condition_matched_log"]
    numbers = {"disappeared": 60, "open_before": 100}
    entry = logged(capfd, "mass_disappearance", logging.WARNING, **numbers)
    assert matches(entry, condition["filter"])
    assert not matches(logged(capfd, "sync_finished"), condition["filter"])
    extracted = {
        label: field(entry, re.fullmatch(r"EXTRACT\((.*)\)", how)[1])  # type: ignore[index]
        for label, how in condition["label_extractors"].items()
    }
    assert extracted == numbers
    text = alert["documentation"][0]["content"]
    assert set(re.findall(r"log\.extracted_label\.(\w+)", text)) == numbers.keys()


@pytest.mark.parametrize(
    ("event", "failures", "fires"),
    [("feed_failed", 3, True), ("feed_failed", 2, False), ("issue_failed", 3, False)],
)
def test_the_alert_on_a_feed_that_stays_stale_counts_days(
    deployments: dict[str, State],
    capfd: pytest.CaptureFixture[str],
    event: str,
    failures: int,
    fires: bool,
) -> None:
    """It fires from the third day on, and its text names the feed."""
    alert = values(
        deployments["every_variable_given"], "google_monitoring_alert_policy.feed_stale[0]"
    )
    [condition] = alert["conditions"][0]["condition_matched_log"]
    entry = logged(capfd, event, logging.WARNING, feed="kev", failures=failures)
    assert matches(entry, condition["filter"]) is fires
    assert condition["label_extractors"] == {"feed": "EXTRACT(jsonPayload.feed)"}
    assert field(entry, "jsonPayload.feed") == "kev"
    assert "`${log.extracted_label.feed}`" in alert["documentation"][0]["content"]


def test_alerts_watch_the_events_that_the_program_logs(
    deployments: dict[str, State],
) -> None:
    """Each failure fires one alert: a refused token its own, any other the one on failed runs."""
    state = deployments["http"]
    [failed] = values(state, "google_monitoring_alert_policy.run_failed")["conditions"]
    [refused] = values(state, "google_monitoring_alert_policy.token_refused")["conditions"]
    of_function = (
        'resource.type="cloud_run_revision" AND resource.labels.service_name="scanner-sync"'
    )
    assert " ".join(failed["condition_matched_log"][0]["filter"].split()) == (
        f'{of_function} AND ( (jsonPayload.message="sync_failed" '
        'AND NOT jsonPayload.error_type="ApiRefused") '
        'OR (logName="projects/my-project-1/logs/run.googleapis.com%2Fvarlog%2Fsystem" '
        "AND severity>=ERROR) )"
    )
    assert refused["condition_matched_log"][0]["filter"] == (
        f'{of_function} AND jsonPayload.message="sync_failed" '
        'AND jsonPayload.error_type="ApiRefused"'
    )


@pytest.mark.parametrize(
    ("event", "refresh", "fires"),
    [
        ("sync_finished", REFRESH, True),
        ("sync_finished", REFRESH | {"oldest_hours": 36.5}, False),
        ("sync_finished", REFRESH | {"oldest_hours": 0.0}, False),
        ("sync_finished", {}, False),
        ("sync_progress", REFRESH, False),
    ],
)
def test_the_alert_on_old_occurrences_compares_their_age(
    deployments: dict[str, State],
    capfd: pytest.CaptureFixture[str],
    event: str,
    refresh: dict[str, Any],
    fires: bool,
) -> None:
    """A finished run fires the alert if its oldest occurrences are older than the limit."""
    state = deployments["every_variable_given"]
    alert = values(state, "google_monitoring_alert_policy.occurrences_old[0]")
    [condition] = alert["conditions"][0]["condition_matched_log"]
    assert matches(logged(capfd, event, refresh=refresh), condition["filter"]) is fires


def test_the_alert_on_failed_runs_names_each_type_of_error(
    deployments: dict[str, State],
) -> None:
    """The text has an entry for each error that a run can end with, and no other."""
    alert = values(deployments["http"], "google_monitoring_alert_policy.run_failed")
    named = re.findall(r"^   - (.*?): ", alert["documentation"][0]["content"], re.MULTILINE)
    # These are answered before a run starts, or have their own alert: a refused token.
    before = {"RequestError", "MethodNotAllowed", "ApiRefused"}
    assert set(re.findall(r"`([A-Z]\w+)`", " ".join(named))) == errors.TYPES.keys() - before


def test_metrics_read_the_events_that_the_program_logs(
    deployments: dict[str, State],
) -> None:
    """Runs are counted by outcome; rows by table, seconds, requests and 429s are fields."""
    metrics = {
        resource["values"]["name"]: resource["values"]
        for resource in resources(deployments["http"])
        if resource["type"] == "google_logging_metric"
    }
    read = {
        name: (
            re.findall(
                r"sync_finished|sync_failed|table_synced|mass_disappearance", metric["filter"]
            ),
            metric["value_extractor"],
            metric["label_extractors"],
        )
        for name, metric in metrics.items()
    }
    account = {"account": "EXTRACT(jsonPayload.account)"}
    finished = ["sync_finished"]
    assert read == {
        "scanner-sync/runs": (
            ["sync_finished", "sync_failed"],
            None,
            {
                "outcome": 'REGEXP_EXTRACT(jsonPayload.message, "sync_(finished|failed)")',
                "error_type": "EXTRACT(jsonPayload.error_type)",
                **account,
            },
        ),
        "scanner-sync/rows": (
            ["table_synced"],
            "EXTRACT(jsonPayload.rows)",
            {"table": "EXTRACT(jsonPayload.table)", **account},
        ),
        "scanner-sync/seconds": (finished, "EXTRACT(jsonPayload.seconds)", account),
        "scanner-sync/requests": (finished, "EXTRACT(jsonPayload.requests)", account),
        "scanner-sync/throttled": (finished, "EXTRACT(jsonPayload.throttled)", account),
        **{
            f"scanner-sync/{name}": (finished, f"EXTRACT(jsonPayload.refresh.{name})", account)
            for name in ("issues_listed", "issues_read", "issues_waiting", "oldest_hours")
        },
        "scanner-sync/disappeared": (
            ["mass_disappearance"],
            "EXTRACT(jsonPayload.disappeared)",
            account,
        ),
    }
    for name, metric in metrics.items():
        [descriptor] = metric["metric_descriptor"]
        assert bool(metric["bucket_options"]) == (descriptor["value_type"] == "DISTRIBUTION"), name


@pytest.mark.parametrize("refresh", [REFRESH, {}])
def test_metrics_take_their_values_from_a_line_of_the_log(
    deployments: dict[str, State], capfd: pytest.CaptureFixture[str], refresh: dict[str, Any]
) -> None:
    """Each is a number of a finished run; a run that was not asked for occurrences has no age."""
    cost: dict[str, Any] = {"requests": 4500, "seconds": 900.5, "throttled": 3}
    entry = logged(capfd, "sync_finished", **cost, refresh=refresh)
    taken = {}
    for resource in resources(deployments["every_variable_given"]):
        metric = resource["values"]
        if resource["type"] == "google_logging_metric" and metric["value_extractor"]:
            [path] = re.findall(r"^EXTRACT\((.*)\)$", metric["value_extractor"])
            if matches(entry, metric["filter"]):
                taken[metric["name"]] = field(entry, path)
    counted = {name: refresh.get(name) for name in REFRESH.keys() - {"oldest_read_at"}}
    assert taken == {f"acme-scanner/{name}": value for name, value in (cost | counted).items()}


def test_what_is_measured_fits_its_buckets(deployments: dict[str, State]) -> None:
    """Each histogram tells usual runs apart, and has a bucket for the largest possible one."""
    usual = {
        "1": (1, 10, 100, 1000, 10_000, 10_000_000),
        "s": (1, 5, 60, 420, 900, 1200, 1680),
        "h": (1, 6, 24, 48, 7 * 24, 8 * 7 * 24, 365 * 24),
    }
    units = set()
    for resource in resources(deployments["http"]):
        metric = resource["values"]
        if resource["type"] == "google_logging_metric" and metric["value_extractor"]:
            [buckets] = metric["bucket_options"][0]["exponential_buckets"]
            bounds = [
                buckets["scale"] * buckets["growth_factor"] ** power
                for power in range(buckets["num_finite_buckets"] + 1)
            ]
            unit = metric["metric_descriptor"][0]["unit"]
            found = [bisect.bisect(bounds, value) for value in (0, *usual[unit])]
            assert len(set(found)) == len(found), metric["name"]
            assert found[-1] < len(bounds), metric["name"]
            units.add(unit)
    assert units == usual.keys()


def test_dashboard_shows_each_metric(deployments: dict[str, State]) -> None:
    """The charts are of runs, rows, requests, occurrences and memory; each metric is in one."""
    state = deployments["http"]
    dashboard = json.loads(values(state, "google_monitoring_dashboard.sync")["dashboard_json"])
    titles, corners, queries = [], [], ""
    for tile in dashboard["mosaicLayout"]["tiles"]:
        titles.append(tile["widget"]["title"])
        corners.append((tile.get("xPos"), tile.get("yPos")))
        assert tile.get("xPos", 0) + tile["width"] <= dashboard["mosaicLayout"]["columns"]
        for data in tile["widget"]["xyChart"]["dataSets"]:
            queries += data["timeSeriesQuery"]["prometheusQuery"] + "\n"
    # The API drops a position of 0; given, it would be a change in every plan.
    assert corners == [
        *((None, None), (24, None), (None, 16), (24, 16)),
        *((None, 32), (24, 32), (None, 48), (24, 48)),
    ]
    assert titles == [
        "Runs and failures",
        "Duration of a run",
        "Rows by table",
        "Requests and 429s",
        "Issues per run",
        "Age of the oldest occurrences",
        "Occurrences that disappeared at once",
        "Memory, share of 1Gi",
    ]
    shown = set(
        re.findall(r"logging_googleapis_com:user_scanner_sync_([a-z_]+?)(?:_sum|_count)?{", queries)
    )
    made = {
        resource["values"]["name"].removeprefix("scanner-sync/")
        for resource in resources(state)
        if resource["type"] == "google_logging_metric"
    }
    assert shown == made
    assert "run_googleapis_com:container_memory_utilizations_bucket" in queries
