"""The settings: each is declared once, with its type, meaning and default.

They come from the environment, then `.dlt/secrets.toml`, then `.dlt/config.toml`, in the working
directory and in no other.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from scanner_sync.errors import RequestError, SettingsError, shown

_BASE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*|\[::1\])(:[0-9]{1,5})?(/[\w~-][\w.~-]*)*/?",
    re.ASCII | re.IGNORECASE,
)


def _base_url(value: str) -> str:
    parts = _BASE_URL.fullmatch(value)
    loopback = ("localhost", "127.0.0.1", "[::1]")
    if not parts or (parts["scheme"].lower() == "http" and parts["host"].lower() not in loopback):
        raise ValueError
    _check_port(value)
    return value.rstrip("/") + "/"


def _feed_url(value: str) -> str:
    _base_url(value)  # so it has no query, which may hold a key
    return value


def _ssvc_url(value: str) -> str:
    if value.count(CVE_PLACE) != 1:
        raise ValueError
    _base_url(value.replace(CVE_PLACE, "CVE"))
    return value


def _check_port(url: str) -> None:
    if urlsplit(url).port == 0:  # which raises ValueError for one past 65535
        raise ValueError


def _check_url(value: str) -> None:
    if not re.fullmatch(r"https?://[^/?#@\s]+/?", value):
        raise ValueError
    _check_port(value)


def _check_address(value: str) -> None:
    if not re.fullmatch(r"([\w.-]+|\[[0-9a-f:]+\]):[0-9]+", value, re.ASCII):
        raise ValueError
    _check_port(f"//{value}")


CVE_PLACE: Final = "{cve}"
"""What SSVC_URL holds in the place of a CVE."""
FEEDS: Final = {
    "kev": "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    "epss": "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
    "ssvc": "https://cveawg.mitre.org/api/cve/{cve}",
}
"""The feeds that INTELLIGENCE may name, and their official addresses."""


def _feeds(value: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not FEEDS.keys() >= {*names}:
        raise ValueError
    return tuple(name for name in FEEDS if name in names)


EMULATORS: Final[dict[str, tuple[str, Callable[[str], None]]]] = {
    "BIGQUERY_EMULATOR_HOST": ("a URL, such as http://localhost:9050", _check_url),
    "SECRET_MANAGER_EMULATOR_HOST": ("HOST:PORT, such as localhost:9090", _check_address),
}
"""Local emulators. Read only from the environment, as Google's clients do."""


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError
        return value

    return parse


ACCOUNT: Final = "{account}"
"""What the settings in `_OF_ACCOUNT` may hold. A call names the account that takes its place."""
ACCOUNT_FORM: Final = "1 to 30 lower-case letters and digits, with single underscores between them"
account_name: Final = _matching("(?!.{31})[a-z0-9]+(_[a-z0-9]+)*")
"""Return the name of an account. Raises `ValueError` if it does not have `ACCOUNT_FORM`."""
_OF_ACCOUNT: Final = ("api_base_url", "access_token_secret", "dataset")
_LONGEST_ACCOUNT: Final = "0" * 30
"""An account whose settings are valid only if (almost) any account's are."""

# dlt would normalize any other form to this one, and so use another dataset. A name that ends in
# _staging is the staging dataset of another.
dataset_name: Final = _matching(r"(?!.*_staging$)[a-z](_?[a-z0-9]){0,900}")
"""Return the name of a dataset. Raises `ValueError` if it does not have `DATASET_FORM`."""
DATASET_FORM: Final = (
    "lower-case letters and digits, single underscores between them, not ending in _staging"
)


def _tags(value: str) -> tuple[str, ...]:
    tags = tuple(tag.strip() for tag in value.split(","))
    if not all(tags) or re.match(r"""["'`“\[]""", value):
        raise ValueError
    return tags


def _log_level(value: str) -> str:
    level = {"WARN": "WARNING"}.get(value.upper(), value.upper())
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError
    return level


TOKEN_FORM: Final = "one word of printable ASCII"  # noqa: S105 - not a token


def token(value: str) -> str:
    """Return a token. Raises `ValueError` if it does not have `TOKEN_FORM`, or if `hint` knows why.

    RFC 6750 allows "=" in a bearer token at its end only, and neither quotes nor braces.
    """
    if not re.fullmatch(r"[\x21-\x7e]+", value) or hint(value):
        raise ValueError
    return value


def hint(value: str) -> str:
    """Return what was put around a value, for an error that must not show it; "" if nothing was."""
    if re.match(r'\{|\[\s*["{]', value):
        return " (it is JSON: give the value alone)"
    if re.fullmatch(r"""(["'`]).*\1|“.*”""", value, re.DOTALL):
        return " (it is in quotes: leave them out)"
    if re.match(r"(export\s+)?[a-z_][\w-]*(\s*=(?!=*$)|:\s)", value, re.ASCII | re.IGNORECASE):
        return " (it is NAME=VALUE: give VALUE alone)"
    if found := re.match(r"(Bearer|Token|Basic)\s", value, re.IGNORECASE):
        return f" (leave out {found[1]})"
    return ""


_project: Final = _matching(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_PROJECT_FORM: Final = "a project id: 6 to 30 lower-case letters, digits and hyphens"
_URL_FORM: Final = "an https URL of host and path (http for a loopback host)"


def _setting(
    meaning: str, form: str, parse: Callable[[str], Any], default: Any = None, *, repr: bool = True
) -> Any:
    metadata = {"meaning": meaning, "form": form, "parse": parse}
    return field(default=default, repr=repr, metadata=metadata)


def _number(meaning: str, least: int, most: int, default: int) -> Any:
    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value, re.ASCII) or not least <= int(value) <= most:
            raise ValueError
        return int(value)

    return _setting(meaning, f"a number from {least} to {most}", parse, default)


@dataclass(frozen=True)
class Settings:
    """The settings of one sync. The name of each is the field's name in capitals."""

    api_base_url: str = _setting(
        "base URL of the API, such as https://api.intruder.io/v1; may hold `{account}`",
        _URL_FORM,
        _base_url,
        "",
    )
    access_token: str | None = _setting(
        "the API token itself, for a laptop; overrides `ACCESS_TOKEN_SECRET`",
        TOKEN_FORM,
        token,
        repr=False,
    )
    access_token_secret: str | None = _setting(
        "the secret in Secret Manager that holds the token; read by every sync;"
        " SECRET may hold `{account}`",
        "projects/PROJECT/secrets/SECRET, optionally with /versions/VERSION",
        _matching(r"projects/[^/\s]+/secrets/[\w-]{1,255}(/versions/[\w-]+)?"),
    )
    google_cloud_project: str | None = _setting(
        "project of the dataset; defaults to the project of the Google credentials",
        _PROJECT_FORM,
        _project,
    )
    bigquery_billing_project: str | None = _setting(
        "project in which BigQuery's jobs run, and which pays for them; defaults to the"
        " dataset's project",
        _PROJECT_FORM,
        _project,
    )
    dataset: str = _setting(
        "BigQuery dataset; rows are staged in DATASET_staging; may hold `{account}`",
        DATASET_FORM,
        dataset_name,
        "scanner",
    )
    bigquery_location: str = _setting(
        "location of the dataset; of an account's dataset only until it exists",
        "a BigQuery location, such as EU",
        _matching(r"[\w-]+"),
        "US",
    )
    exposed_tags: tuple[str, ...] = _setting(
        "tags of targets that are exposed to the internet, whatever their type",
        "tags, separated by commas",
        _tags,
        (),
    )
    internal_tags: tuple[str, ...] = _setting(
        "tags of targets that are not exposed, although they are external",
        "tags, separated by commas",
        _tags,
        (),
    )
    page_size: int = _number("rows requested per page", 1, 10_000, default=100)
    max_concurrent_requests: int = _number("concurrent requests to the API", 1, 200, default=20)
    max_requests_per_sync: int = _number(
        "requests after which a sync leaves further issues' occurrences to the next syncs",
        1,
        1_000_000,
        default=4500,
    )
    full_read_hours: int = _number(
        "hours after which everything is read again of an account whose syncs read only what"
        " signals name; 0: each sync reads everything",
        0,
        720,
        default=24,
    )
    sync_deadline_seconds: int = _number(
        "seconds after which a sync gives up, before the platform ends it", 1, 86_400, default=1500
    )
    intelligence: tuple[str, ...] = _setting(
        "what is read about the account's CVEs, once a day; `ssvc` tells a public API which they"
        " are",
        "any of kev, epss and ssvc, separated by commas",
        _feeds,
        (),
    )
    kev_url: str = _setting(
        "CISA's catalog of exploited vulnerabilities, or a mirror of it",
        _URL_FORM,
        _feed_url,
        FEEDS["kev"],
    )
    epss_url: str = _setting(
        "the scores of EPSS as CSV, with gzip or without, or a mirror of them",
        _URL_FORM,
        _feed_url,
        FEEDS["epss"],
    )
    ssvc_url: str = _setting(
        "the record of a CVE, which has CISA's SSVC decisions, or a mirror of it; holds `{cve}`",
        f"{_URL_FORM}, with {CVE_PLACE} in it once",
        _ssvc_url,
        FEEDS["ssvc"],
    )
    log_level: str = _setting(
        "minimum severity that is logged", "DEBUG, INFO, WARNING or ERROR", _log_level, "INFO"
    )

    account: str | None = None
    """The account whose settings these are; None if there is only one."""
    bigquery_emulator_host: str | None = None
    """Base URL of a local BigQuery. google-cloud-bigquery reads the variable, too."""
    secret_manager_emulator_host: str | None = None
    """HOST:PORT of a local Secret Manager, without TLS."""

    @property
    def feeds(self) -> dict[str, str]:
        """The feeds that are read, with their addresses."""
        return {name: getattr(self, f"{name}_url") for name in self.intelligence}

    @property
    def token_source(self) -> str:
        """The setting or secret that holds the token, for messages."""
        return "ACCESS_TOKEN" if self.access_token else f"{self.access_token_secret}"


SETTINGS: Final = {of.name: of for of in fields(Settings) if of.metadata}
"""The settings that the user makes, by the names of their fields."""


def _read_toml(name: str) -> dict[str, Any]:
    """Read a file in `.dlt/`; a missing file is empty. Raises `SettingsError`."""
    try:
        # Editors on Windows begin a file with a byte order mark.
        return tomllib.loads((Path(".dlt") / name).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{name} in .dlt/ cannot be read: {error.strerror}.") from None
    except ValueError:  # its message quotes the file, which may hold a token
        raise SettingsError(f"{name} in .dlt/ is not valid TOML. Correct it.") from None


_OF_OTHERS: Final = {
    ("runtime", "log_level"),
    *(("sources", name) for name in ("api_base_url", "dataset", "page_size")),
}
"""Tables that belong to dlt or to another source of the same directory, and keys they may have."""


def _without_effect(file: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the faults of the keys of a file in `.dlt/`.

    A key that is passed over would mislead: without its setting, a dataset is created in the
    default location for good. Tables are dlt's, and are passed over, unless a setting is in one.
    """
    names = list(SETTINGS)
    for *tables, key in _keys(content):
        if tables:
            # Any dlt source or destination may have a token of this name.
            others = {(table, key) for table in tables} & _OF_OTHERS or key == "access_token"
            if key in names and not others:
                table = shown(".".join(tables))
                yield f"{key} has no effect in [{table}] of .dlt/{file}: move it above all tables"
            continue
        meant = next(iter(difflib.get_close_matches(key.lower(), names, 1, 0.5)), None)
        if re.search("key|password|token$", key, re.IGNORECASE):
            meant = "access_token"
        if key.upper() in EMULATORS:
            yield f"{key} is read from the environment only: remove it from .dlt/{file}"
        elif meant == "access_token" and file == "config.toml" and content[key] != "":
            yield (
                f"{shown(key)} was found in config.toml, which is often committed: move it to"
                " .dlt/secrets.toml, and revoke it"
            )
        elif key not in names:
            known = f"did you mean {meant}?" if meant else f"the settings are {', '.join(names)}"
            yield f"{shown(key)} in .dlt/{file} is not a setting ({known})"


def _keys(content: Mapping[str, Any], *tables: str) -> Iterator[tuple[str, ...]]:
    """Yield each key below the tables that it is in."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _keys(value, *tables, key)
        else:
            yield (*tables, key)


def read_settings(account: str | None = None, *, dataset: str | None = None) -> Settings:
    """Read the settings, with the name of the account in the place of `{account}`.

    For a command that only reads `dataset`, a valid name, it takes the place of DATASET. Then there
    is no account, and settings that hold `{account}` are left out.

    Raises `SettingsError`, which names everything that is wrong, and `RequestError` if the account
    is missing or malformed, or if no setting holds `{account}`.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    templates: dict[str, str] = {}
    stored: dict[str, Any] = {}
    for file in ("config.toml", "secrets.toml"):
        content = _read_toml(file)
        faults += _without_effect(file, content)
        stored |= content
    for setting in SETTINGS.values():
        text = os.environ.get(setting.name.upper(), "").strip()
        text = text or str(stored.get(setting.name, "")).strip()
        if not text:
            continue
        if setting.name in _OF_ACCOUNT and ACCOUNT in text:
            templates[setting.name] = text
        try:
            values[setting.name] = _parse(setting.name, text, _LONGEST_ACCOUNT)
        except ValueError:
            # The value is not shown: a token may have been pasted into the wrong setting.
            form = setting.metadata["form"]
            faults.append(f"{setting.name.upper()} must be {form}{hint(text)}")
    faults += _wrong_emulators()
    if not values.get("api_base_url") and not any("API_BASE_URL" in fault for fault in faults):
        faults.append("API_BASE_URL is required: the base URL, such as https://api.intruder.io/v1")
    if not values.keys() & {"access_token", "access_token_secret"} and not any(
        "ACCESS_TOKEN" in fault for fault in faults
    ):
        faults.append(
            "ACCESS_TOKEN_SECRET is required: projects/PROJECT/secrets/SECRET (or the token itself:"
            " ACCESS_TOKEN, or access_token in .dlt/secrets.toml above any table)"
        )
    if dataset is None:
        faults += _shared(templates, values)
    if faults:
        raise SettingsError(
            f"Correct these settings, in the environment or in .dlt/: {'; '.join(faults)}."
        )
    values |= {name.lower(): os.environ.get(name) or None for name in EMULATORS}
    if dataset is not None:
        kept = {name: value for name, value in values.items() if name not in templates}
        return Settings(**(kept | {"dataset": dataset}))
    return Settings(**(values | _of_account(templates, account)), account=account)


def _wrong_emulators() -> Iterator[str]:
    for name, (form, check) in EMULATORS.items():
        value = os.environ.get(name, "")
        try:
            if value:
                check(value)
        except ValueError:
            yield f"{name} must be {form}{hint(value)}"


def _parse(name: str, text: str, account: str) -> Any:
    if name in _OF_ACCOUNT:
        text = text.replace(ACCOUNT, account)
    return SETTINGS[name].metadata["parse"](text)


def _shared(templates: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the faults of settings with which two accounts could share something."""
    if not templates:
        return
    if "access_token" in values:
        yield f"ACCESS_TOKEN is of one account: remove it, or {ACCOUNT} from the other settings"
    elif not templates.keys() >= {"access_token_secret", "dataset"}:
        yield (
            f"ACCESS_TOKEN_SECRET and DATASET must both hold {ACCOUNT} if a setting does: no two"
            " accounts may share a token or a dataset"
        )
    # In the project, or as a version, two names could lead to one token: `7` and `latest`.
    secret = re.sub("/secrets/[^/]*", "", templates.get("access_token_secret", ""))
    if ACCOUNT in secret:
        yield f"ACCESS_TOKEN_SECRET must hold {ACCOUNT} in SECRET only"


def _of_account(templates: Mapping[str, str], account: str | None) -> dict[str, Any]:
    """Return the settings that depend on the account. Raises `RequestError`."""
    if account is None:
        if templates:
            raise RequestError(
                'Name the account: {"account": "acme"} in the request, or --account acme on the'
                " command line."
            )
        return {}
    try:
        account_name(account)
    except ValueError:
        raise RequestError(f"The account must be {ACCOUNT_FORM}.") from None
    if not templates:
        raise RequestError(
            f"An account was named, but no setting holds {ACCOUNT}. Name none, or write"
            f" {ACCOUNT} into ACCESS_TOKEN_SECRET and DATASET."
        )
    values = {}
    for name, template in templates.items():
        try:
            values[name] = _parse(name, template, account)
        except ValueError:
            form = SETTINGS[name].metadata["form"]
            raise RequestError(
                f"There can be no account {account}, because {name.upper()} must be {form}."
            ) from None
    return values


def clean_environment() -> None:
    """Remove from the environment what libraries would read, and these settings do not contain.

    dlt reads some of its variables when it is imported. A `.netrc` with a default entry would send
    the user's password to Google in place of the credentials. White space around a value is never
    meant, and libraries that read proxies and emulators take it for a part of the address.
    """
    for name, value in os.environ.items():
        if value != value.strip():
            os.environ[name] = value.strip()
    os.environ["NETRC"] = os.devnull
    for name in [name for name in os.environ if name.startswith("DLT_")]:
        del os.environ[name]
