"""What CISA, FIRST and the CVE Program publish, about CVEs that no real flaw has.

KEV, EPSS and the CVE records are not part of the scanner's API. They are served beside it, and say
the same of a CVE whoever asks: what they say follows from its name and the account's present day.
"""

import gzip
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from zlib import crc32

from sample_api.account import Account
from sample_api.rows import Row

YEARS = range(2021, 2025)
NUMBERS = range(95_000, 100_000)
"""Of the CVEs that `Account.open_issue` makes, which are all that the feeds know."""
LONGEST_AGO = 900
"""Days before the account's first day at which an entry of KEV was added at the earliest."""
LATEST = 30
"""Days after it at which one is added at the latest."""


def settings(base_url: str) -> dict[str, str]:
    """Return the settings of a sync that reads these feeds, from the base URL of the API."""
    feeds = f"{base_url.removesuffix('/v1')}/feeds"
    return {
        "INTELLIGENCE": "kev,epss,ssvc",
        "KEV_URL": f"{feeds}/kev.json",
        "EPSS_URL": f"{feeds}/epss.csv.gz",
        "SSVC_URL": f"{feeds}/cve/{{cve}}",
    }


def kev(account: Account) -> bytes:
    """Return CISA's catalog as it is on the account's day."""
    added = {cve: _added_on(account, cve) for cve in _cves() if _draw("listed", cve) < 0.04}
    today = account.now.date()
    entries = [_entry(cve, day) for cve, day in added.items() if day <= today]
    catalog = {
        "title": "Sample of a catalog of exploited vulnerabilities",
        "catalogVersion": f"{today:%Y.%m.%d}",
        "dateReleased": f"{today}T00:00:00.0000Z",
        "count": len(entries),
        "vulnerabilities": entries,
    }
    return json.dumps(catalog).encode()


def epss(account: Account) -> bytes:
    """Return the scores of EPSS of the account's day, as CSV with gzip."""
    lines = [
        f"#model_version:sample,score_date:{account.now.date()}T00:00:00+0000",
        "cve,epss,percentile",
        *(f"{cve},{_score(cve):.5f},{_draw('epss', cve):.5f}" for cve in _cves()),
    ]
    return gzip.compress("\n".join(lines).encode() + b"\n", 1, mtime=0)


def record(cve: str) -> Row | None:
    """Return the record of a CVE, if there is one: a few are rejected, and have no container."""
    named = re.fullmatch("CVE-([0-9]{4})-([0-9]{5})", cve)
    if not named or int(named[1]) not in YEARS or int(named[2]) not in NUMBERS:
        return None
    is_rejected = _draw("rejected", cve) < 0.02
    impact = "total" if _draw("impact", cve) < 0.5 else "partial"
    options = [
        {"Exploitation": "active" if _draw("listed", cve) < 0.04 else "none"},
        {"Automatable": "yes" if _draw("automatable", cve) < 0.3 else "no"},
        {"Technical Impact": impact},
    ]
    other = {"type": "ssvc", "content": {"id": cve, "role": "CISA Coordinator", "options": options}}
    container = {"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [{"other": other}]}
    return {
        "dataType": "CVE_RECORD",
        "cveMetadata": {"cveId": cve, "state": "REJECTED" if is_rejected else "PUBLISHED"},
        "containers": {"cna": {}} | ({} if is_rejected else {"adp": [container]}),
    }


def _cves() -> Iterator[str]:
    return (f"CVE-{year}-{number}" for year in YEARS for number in NUMBERS)


def _draw(what: str, cve: str) -> float:
    """Return a number from 0 to 1 that is always the same for a CVE."""
    return crc32(f"{what}/{cve}".encode()) / 2**32


def _score(cve: str) -> float:
    # Most scores are low, but not the scores of what is exploited.
    score = _draw("epss", cve) ** 12
    return max(score, 0.5) if _draw("listed", cve) < 0.04 else score


def _added_on(account: Account, cve: str) -> date:
    days = round(_draw("added", cve) * (LONGEST_AGO + LATEST)) - LONGEST_AGO
    return account.first_day + timedelta(days=days)


def _entry(cve: str, added_on: date) -> Row:
    is_urgent = _draw("urgent", cve) < 0.2
    return {
        "cveID": cve,
        "vendorProject": "Sample",
        "product": "Sample",
        "vulnerabilityName": "Sample",
        "dateAdded": f"{added_on}",
        "shortDescription": "Sample",
        "requiredAction": "Sample",
        "dueDate": f"{added_on + timedelta(days=3 if is_urgent else 14)}",
        "knownRansomwareCampaignUse": "Known" if _draw("ransomware", cve) < 0.2 else "Unknown",
        "forensicTriage": "Yes" if is_urgent else "No",
        "notes": "",
        "cwes": [],
    }
