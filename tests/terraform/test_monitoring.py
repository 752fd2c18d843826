"""Metrics, alerts and the dashboard: what they read, and what they tell."""

import json
import re

import pytest

from scanner_sync import errors

from .deployment import State, resources, values

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

# Cloud Monitoring's limit for the text of an alert, in bytes.
MOST_DOCUMENTATION = 8192


def test_alerts_list_the_steps_to_take(deployments: dict[str, State]) -> None:
    """There are three alerts; each lists steps to take, with the commands of this deployment."""
    alerts = {
        resource["values"]["display_name"]: resource["values"]
        for resource in resources(deployments["http"])
        if resource["type"] == "google_monitoring_alert_policy"
    }
    assert set(alerts) == {
        "scanner-sync: a run failed",
        "scanner-sync: the token was refused",
        "scanner-sync: no run succeeded",
    }
    for name, alert in alerts.items():
        [documentation] = alert["documentation"]
        assert re.search(r"^1\. ", documentation["content"], re.MULTILINE), name
        assert deployments["http"]["outputs"]["run_now"]["value"] in documentation["content"], name
        assert len(documentation["content"].encode()) < MOST_DOCUMENTATION, name


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
            re.findall(r"sync_finished|sync_failed|table_synced", metric["filter"]),
            metric["value_extractor"],
            metric["label_extractors"],
        )
        for name, metric in metrics.items()
    }
    finished, none = ["sync_finished"], dict[str, str]()
    assert read == {
        "scanner-sync/runs": (
            ["sync_finished", "sync_failed"],
            None,
            {
                "outcome": 'REGEXP_EXTRACT(jsonPayload.message, "sync_(finished|failed)")',
                "error_type": "EXTRACT(jsonPayload.error_type)",
            },
        ),
        "scanner-sync/rows": (
            ["table_synced"],
            "EXTRACT(jsonPayload.rows)",
            {"table": "EXTRACT(jsonPayload.table)"},
        ),
        "scanner-sync/seconds": (finished, "EXTRACT(jsonPayload.seconds)", none),
        "scanner-sync/requests": (finished, "EXTRACT(jsonPayload.requests)", none),
        "scanner-sync/throttled": (finished, "EXTRACT(jsonPayload.throttled)", none),
    }


def test_dashboard_shows_each_metric(deployments: dict[str, State]) -> None:
    """The charts are runs, duration, rows, requests and memory, and each metric has one."""
    state = deployments["http"]
    dashboard = json.loads(values(state, "google_monitoring_dashboard.sync")["dashboard_json"])
    titles, queries = [], ""
    for tile in dashboard["mosaicLayout"]["tiles"]:
        titles.append(tile["widget"]["title"])
        assert tile["xPos"] + tile["width"] <= dashboard["mosaicLayout"]["columns"]
        for data in tile["widget"]["xyChart"]["dataSets"]:
            queries += data["timeSeriesQuery"]["prometheusQuery"] + "\n"
    assert titles == [
        "Runs and failures",
        "Duration of a run",
        "Rows by table",
        "Requests and 429s",
        "Memory, share of 1Gi",
    ]
    shown = set(re.findall(r"logging_googleapis_com:user_scanner_sync_([a-z]+)", queries))
    made = {
        resource["values"]["name"].removeprefix("scanner-sync/")
        for resource in resources(state)
        if resource["type"] == "google_logging_metric"
    }
    assert shown == made
    assert "run_googleapis_com:container_memory_utilizations_bucket" in queries
