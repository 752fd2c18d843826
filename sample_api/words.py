"""The words and numbers of which the rows are made."""

SOFTWARE = (
    ("OpenSSH", 22, "tcp"),
    ("Exim", 25, "tcp"),
    ("BIND", 53, "udp"),
    ("Apache HTTP Server", 443, "tcp"),
    ("nginx", 443, "tcp"),
    ("GitLab", 443, "tcp"),
    ("MySQL", 3306, "tcp"),
    ("PostgreSQL", 5432, "tcp"),
    ("Redis", 6379, "tcp"),
    ("Jenkins", 8080, "tcp"),
)
FLAWS = (  # kind, severity, exploit likelihood, what an attacker could do
    ("remote code execution", "critical", "known", "run commands of their choice"),
    ("authentication bypass", "high", "very_likely", "sign in without a password"),
    ("arbitrary file read", "high", "likely", "read files that hold passwords and keys"),
    ("denial of service", "medium", "unlikely", "stop the service with one request"),
    ("memory disclosure", "medium", "rare", "read parts of the server's memory"),
    ("request smuggling", "medium", "unknown", "answer requests of other users"),
    ("user name enumeration", "low", "rare", "find out which user names exist"),
    ("version disclosure", "low", None, "learn which known flaws to try"),
)
EXPOSURES = (  # title, severity, remediation
    ("Login form of {} sent without encryption", "high", "Serve the form over HTTPS only."),
    ("Backup of {} can be downloaded", "high", "Delete it, and change the passwords in it."),
    ("TLS certificate of {} expires within 14 days", "medium", "Renew the certificate."),
    ("Directory listing enabled on {}", "low", "Turn directory listings off."),
)
SITES = ("the customer portal", "the wiki", "“Büro-Kalender”", "顧客ポータル", "« Espace réservé »")
SCORES = {"low": (10, 39), "medium": (40, 69), "high": (70, 89), "critical": (90, 100)}  # tenths
HOSTS = ("www", "api", "mail", "vpn", "db", "git", "ci", "shop", "intranet", "staging")
DOMAINS = ("example.com", "example.org", "example.net")
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # reserved for documentation by RFC 5737
TAGS: tuple[list[str | None], ...] = ([], ["production", "pci"], ["staging"], ["büro", None])
SNOOZE_REASONS = ("ACCEPT_RISK", "FALSE_POSITIVE", "MITIGATING_CONTROLS")
GOALS = {"critical": 7, "high": 30, "medium": 60, "low": 120}
"""Days in which the scanner wants an issue of this severity fixed."""
DAYS_TO_FIX = {"critical": 12, "high": 40, "medium": 70, "low": 110}
"""How many it takes on average."""
SCHEDULES: tuple[tuple[str, str, str, list[str], int | None], ...] = (
    # name, schedule_period, status, target_tags (all targets if there are none), days to the next
    ("Every night", "daily", "active", [], 1),
    ("Production, every week", "weekly", "active", ["production", "pci"], 6),
    ("Büro, jeden Monat", "monthly", "paused", ["büro"], None),
    ("Audit trimestriel", "quarterly", "active", ["pci"], 40),
    ("Launch of the new shop", "one_off", "completed", ["staging"], None),
)
