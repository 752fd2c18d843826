"""The table `cve_intelligence`: what public sources say of the account's CVEs."""

from typing import Final

from scanner_sync.schema.columns import Column, Table

INTELLIGENCE: Final = "cve_intelligence"
"""The name of the table."""
INTELLIGENCE_TABLE: Final = Table(
    "CVEs that the account has or had, and what public sources say of them, one row each.",
    ("cve",),
    {
        "cve": Column("text", "The CVE.", "CVE-2026-1234", required=True),
        "in_kev": Column(
            "bool", "Whether CISA's catalog KEV lists it: it is exploited in the wild.", True
        ),
        "kev_added_on": Column(
            "date", "Day on which KEV listed it; stays if KEV takes it back.", "2026-11-02"
        ),
        "kev_due_on": Column(
            "date", "Day by which KEV asks federal agencies to fix it.", "2026-11-16"
        ),
        "kev_removed_on": Column(
            "date", "Day, in UTC, of the sync that no longer found it in KEV.", "2026-11-20"
        ),
        "kev_ransomware": Column(
            "bool", "Whether KEV knows of its use in a ransomware campaign.", False
        ),
        "kev_forensic_triage": Column(
            "bool", "Whether KEV asks for forensic triage; null before September 2026.", False
        ),
        "epss": Column(
            "double", "Probability of an exploit in the next 30 days, by EPSS, 0 to 1.", 0.0431
        ),
        "epss_percentile": Column(
            "double", "Share of all CVEs with the same score or a lower one, 0 to 1.", 0.9217
        ),
        "epss_on": Column("date", "Day of that score.", "2026-11-23"),
        "automatable": Column("bool", "Whether an attack can be automated, by CISA's SSVC.", True),
        "technical_impact": Column(
            "text", "What an attack gains, by CISA's SSVC: partial or total control.", "total"
        ),
        "ssvc_on": Column("date", "Day on which SSVC was last asked for it.", "2026-11-23"),
        "read_at": Column(
            "timestamp",
            "Time of the last sync that read all sources without a fault and found a change.",
            "2026-11-24T06:00:02Z",
        ),
    },
)
"""The columns of `cve_intelligence`."""
