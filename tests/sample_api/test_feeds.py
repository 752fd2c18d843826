"""What the sample API serves about CVEs, beside the scanner's API."""

import csv
import gzip
from datetime import date, timedelta

import requests

from sample_api import create_app, generate, serve
from tests.sample_api.conftest import TOKEN, get


def test_feeds_speak_of_the_cves_of_an_account(http: requests.Session) -> None:
    """Without a token and a quota; some of the CVEs are exploited, and all have a score."""
    del http.headers["Authorization"]
    account = generate(seed=7, issues=400)
    found = {
        cve for rows in account.occurrences.values() for row in rows for cve in row["cves"] or ()
    }
    app = create_app(account, token=TOKEN, quota_per_hour=0)
    with serve(app) as base_url:
        feeds = f"{base_url.removesuffix('/v1')}/feeds"
        answer = get(http, f"{feeds}/kev.json")
        catalog = answer.json()
        entries = {entry["cveID"]: entry for entry in catalog["vulnerabilities"]}
        assert catalog["count"] == len(entries) == len(catalog["vulnerabilities"])
        today = account.now.date()
        added = {date.fromisoformat(entry["dateAdded"]) for entry in entries.values()}
        assert max(added) <= today
        assert 5 <= len(found & entries.keys()) <= 30
        # A caller that has it gets it again when the day has changed.
        same = get(http, f"{feeds}/kev.json", headers={"If-None-Match": answer.headers["ETag"]})
        assert (same.status_code, same.content) == (304, b"")
        account.day += 1
        later = get(http, f"{feeds}/kev.json", headers={"If-None-Match": answer.headers["ETag"]})
        assert later.json()["dateReleased"].startswith(f"{today + timedelta(days=1)}T")
        account.day -= 1

        text = gzip.decompress(get(http, f"{feeds}/epss.csv.gz").content).decode()
        first, *lines = text.splitlines()
        assert f"score_date:{today}" in first
        scores = {row["cve"]: float(row["epss"]) for row in csv.DictReader(lines)}
        assert found <= scores.keys()
        assert min(scores[cve] for cve in entries) >= 0.5

        records = [get(http, f"{feeds}/cve/{cve}").json() for cve in sorted(found)]
        assert {record["cveMetadata"]["cveId"] for record in records} == found
        rejected = [r for r in records if r["cveMetadata"]["state"] == "REJECTED"]
        assert 0 < len(rejected) < len(records) / 10
        assert all(("adp" in r["containers"]) != (r in rejected) for r in records)
        assert get(http, f"{feeds}/cve/CVE-2026-1234").status_code == 404
    assert {request.authorization for request in app.state.requests} == {False}
