"""Each setting: where it is read from, its default, and the error if it is malformed."""

import json
import os
from pathlib import Path
from typing import Any

import flask.testing
import pytest

from scanner_sync.errors import SettingsError
from scanner_sync.settings import (
    EMULATORS,
    SETTINGS,
    Settings,
    clean_environment,
    read_settings,
)

GOOD = {"API_BASE_URL": "https://api.example.com/v1", "ACCESS_TOKEN": "token"}


@pytest.fixture(autouse=True)
def _empty_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def set_all(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """With only the two required settings, the others have their documented defaults."""
    set_all(monkeypatch, GOOD)
    assert read_settings() == Settings(
        api_base_url="https://api.example.com/v1/",
        access_token="token",
        access_token_secret=None,
        google_cloud_project=None,
        bigquery_billing_project=None,
        dataset="scanner",
        bigquery_location="US",
        exposed_tags=(),
        internal_tags=(),
        page_size=100,
        max_concurrent_requests=20,
        max_requests_per_sync=4500,
        full_read_hours=24,
        sync_deadline_seconds=1500,
        intelligence=(),
        kev_url="https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
        epss_url="https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
        ssvc_url="https://cveawg.mitre.org/api/cve/{cve}",
        log_level="INFO",
    )


def test_settings_from_the_dlt_files(tmp_path: Path) -> None:
    """`.dlt/config.toml` and `.dlt/secrets.toml` of the working directory hold settings, too."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt/config.toml").write_text(
        'api_base_url = "http://localhost:8081/v1/"\naccess_token_secret = "projects/p/secrets/s"\n'
        'google_cloud_project = "my-project"\ndataset = "security_2"\nbigquery_location = "EU"\n'
        'bigquery_billing_project = "finance-1"\n'
        'exposed_tags = "dmz, web"\ninternal_tags = "lab"\n'
        "page_size = 50\nmax_concurrent_requests = 5\nmax_requests_per_sync = 1000\n"
        "full_read_hours = 0\n"
        'sync_deadline_seconds = "60"\n'
        'intelligence = "ssvc, KEV,"\nkev_url = "https://mirror.example/kev.json"\n'
        'epss_url = "http://localhost:8081/epss.csv"\nssvc_url = "https://m.example/{cve}.json"\n'
        'log_level = "DEBUG"\n'
    )
    (tmp_path / ".dlt/secrets.toml").write_text('access_token = "of-the-file"\n')
    assert read_settings() == Settings(
        api_base_url="http://localhost:8081/v1/",
        access_token="of-the-file",
        access_token_secret="projects/p/secrets/s",
        google_cloud_project="my-project",
        bigquery_billing_project="finance-1",
        dataset="security_2",
        bigquery_location="EU",
        exposed_tags=("dmz", "web"),
        internal_tags=("lab",),
        page_size=50,
        max_concurrent_requests=5,
        max_requests_per_sync=1000,
        full_read_hours=0,
        sync_deadline_seconds=60,
        intelligence=("kev", "ssvc"),
        kev_url="https://mirror.example/kev.json",
        epss_url="http://localhost:8081/epss.csv",
        ssvc_url="https://m.example/{cve}.json",
        log_level="DEBUG",
    )
    assert read_settings().feeds == {
        "kev": "https://mirror.example/kev.json",
        "ssvc": "https://m.example/{cve}.json",
    }


WRONG: list[tuple[str, list[str], str]] = [
    (
        "API_BASE_URL",
        [
            "api.example.com/v1",
            "http://api.example.com/v1",
            "https://",
            "https://host:x/",
            "https://user@host/",
            "https://host/?q=1",
            "ftp://localhost/",
            "https://[::1",
            "https://exa mple.com/v1",
            "https://a..b/v1",
            "https://*.x/v1",
            "https://bücher.example",
            "https://h/v 1",
            "https://h/v1/../v2",
            "https://h/{id}",
            "https://h//v1",
            "https://h:65536/v1",
            "https://h:0/v1",
            f"https://{'h' * 64}.example/v1",
        ],
        "an https URL of host and path (http for a loopback host)",
    ),
    ("ACCESS_TOKEN", ["two words", "línea", "a\nb"], "one word of printable ASCII"),
    (
        "ACCESS_TOKEN_SECRET",
        [
            "token",
            "projects/p/secrets/",
            "projects/p/secrets/s/versions/",
            "projects/p/secrets/a b",
        ],
        "projects/PROJECT/secrets/SECRET, optionally with /versions/VERSION",
    ),
    *(
        (
            name,
            ["My Project", "p", "123456"],
            "a project id: 6 to 30 lower-case letters, digits and hyphens",
        )
        for name in ("GOOGLE_CLOUD_PROJECT", "BIGQUERY_BILLING_PROJECT")
    ),
    (
        "DATASET",
        ["Scanner", "a-b", "a__b", "_a", "1a", "a.b", "a_", "a_staging"],
        "lower-case letters and digits, single underscores between them, not ending in _staging",
    ),
    ("BIGQUERY_LOCATION", ["E U", "eu/"], "a BigQuery location, such as EU"),
    *(
        (name, [",", "web,", "web,,db", "“web”, db"], "tags, separated by commas")
        for name in ("EXPOSED_TAGS", "INTERNAL_TAGS")
    ),
    ("PAGE_SIZE", ["0", "-1", "ten", "1.5", "10001", "٣"], "a number from 1 to 10000"),
    ("MAX_CONCURRENT_REQUESTS", ["0", "201", "many"], "a number from 1 to 200"),
    ("MAX_REQUESTS_PER_SYNC", ["0", "1000001", "all"], "a number from 1 to 1000000"),
    ("FULL_READ_HOURS", ["-1", "721", "1.5", "daily"], "a number from 0 to 720"),
    ("SYNC_DEADLINE_SECONDS", ["0", "86401", "1e3", "soon"], "a number from 1 to 86400"),
    (
        "INTELLIGENCE",
        ["nvd", "kev epss", "kev,nvd"],
        "any of kev, epss and ssvc, separated by commas",
    ),
    *(
        (
            name,
            [
                "http://mirror.example/kev.json",
                "https://user@host/kev.json",
                "https://host/kev.json?key=abc",
                "https://host/{cve}/{cve}",
                "ftp://localhost/kev.json",
                "kev.json",
            ],
            "an https URL of host and path (http for a loopback host)",
        )
        for name in ("KEV_URL", "EPSS_URL")
    ),
    (
        "SSVC_URL",
        ["https://host/cve/", "https://host/{cve}/{cve}", "http://host/{cve}"],
        "an https URL of host and path (http for a loopback host), with {cve} in it once",
    ),
    ("LOG_LEVEL", ["TRACE", "30"], "DEBUG, INFO, WARNING or ERROR"),
]


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [(name, value, form) for name, values, form in WRONG for value in values],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, form: str
) -> None:
    """The error names the setting and its format, and never its value."""
    set_all(monkeypatch, GOOD | {name: value})
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == (
        f"Correct these settings, in the environment or in .dlt/: {name} must be {form}."
    )


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        *(
            ("BIGQUERY_EMULATOR_HOST", value, "a URL, such as http://localhost:9050")
            for value in (
                "localhost:9050",
                "localhost",
                "ftp://localhost:9050",
                "http://",
                "http://localhost:65536",
                "http://localhost:0",
                "http://localhost:port",
                "http://user@localhost:9050",
            )
        ),
        *(
            ("SECRET_MANAGER_EMULATOR_HOST", value, "HOST:PORT, such as localhost:9090")
            for value in (
                "http://localhost:9090",
                "localhost",
                "localhost:",
                ":9090",
                "localhost:65536",
                "localhost:0",
                "localhost:port",
            )
        ),
    ],
)
def test_a_malformed_emulator_address_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, form: str
) -> None:
    """It is a settings error, before any connection is made."""
    set_all(monkeypatch, GOOD | {name: value})
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == (
        f"Correct these settings, in the environment or in .dlt/: {name} must be {form}."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIGQUERY_EMULATOR_HOST", "http://big_query:9050/"),
        ("BIGQUERY_EMULATOR_HOST", "https://[::1]:9050"),
        ("SECRET_MANAGER_EMULATOR_HOST", "secret_manager:9090"),
        ("SECRET_MANAGER_EMULATOR_HOST", "[::1]:9090"),
    ],
)
def test_an_emulator_address_is_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """For example the name of a container, or an IPv6 address."""
    set_all(monkeypatch, GOOD | {name: value})
    settings = read_settings()
    assert value in (settings.bigquery_emulator_host, settings.secret_manager_emulator_host)


def test_every_setting_can_be_wrong() -> None:
    """The list of wrong values above covers every setting."""
    assert [name for name, _, _ in WRONG] == [s.upper() for s in SETTINGS]


def test_all_faults_in_one_message(
    http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function answers 500 with every fault, including missing settings."""
    set_all(monkeypatch, {"PAGE_SIZE": "ten", "DATASET": "My Data"})
    answer = http.post("/")
    message = (
        "Correct these settings, in the environment or in .dlt/:"
        " DATASET must be lower-case letters and digits, single underscores between them, not"
        " ending in _staging;"
        " PAGE_SIZE must be a number from 1 to 10000;"
        " API_BASE_URL is required: the base URL, such as https://api.intruder.io/v1;"
        " ACCESS_TOKEN_SECRET is required: projects/PROJECT/secrets/SECRET (or the token itself:"
        " ACCESS_TOKEN, or access_token in .dlt/secrets.toml above any table)."
    )
    assert (answer.status_code, answer.get_json()) == (
        500,
        {"status": "error", "error": {"type": "SettingsError", "message": message}},
    )


def test_the_token_is_not_shown() -> None:
    """Printing the settings does not print the token."""
    settings: Any = Settings(api_base_url="https://h/", access_token="the-token")
    assert "the-token" not in f"{settings} {settings!r}"


EVERY = ", ".join(SETTINGS)
COMMITTED = (
    "was found in config.toml, which is often committed: move it to .dlt/secrets.toml,"
    " and revoke it"
)


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        *(
            (
                file,
                f'{key} = "EU"',
                f"{key} in .dlt/{file} is not a setting (did you mean {meant}?)",
            )
            for file in ("config.toml", "secrets.toml")
            for key, meant in {
                "bigquery_loction": "bigquery_location",
                "BIGQUERY_LOCATION": "bigquery_location",
                "bigquery-location": "bigquery_location",
                "location": "bigquery_location",
                "dataset_name": "dataset",
                "base_url": "api_base_url",
                "access_token_secrt": "access_token_secret",
                "project": "google_cloud_project",
                "max_concurent_requests": "max_concurrent_requests",
                "log-level": "log_level",
            }.items()
        ),
        *(
            (
                file,
                f"{key} = 1",
                f"{key} in .dlt/{file} is not a setting (the settings are {EVERY})",
            )
            for file in ("config.toml", "secrets.toml")
            for key in ("refresh", "dev_mode", "pipelines_dir", "https_proxy")
        ),
        *(
            ("config.toml", f'{key} = "t"', f"{key} {COMMITTED}")
            for key in ("access_token", "ACCESS_TOKEN", "acces_token", "token", "api_key")
        ),
        (
            "secrets.toml",
            'api_key = "t"',
            "api_key in .dlt/secrets.toml is not a setting (did you mean access_token?)",
        ),
        *(
            (
                "config.toml",
                f'[{table}]\n{key} = "EU"',
                f"{key} has no effect in [{table}] of .dlt/config.toml: move it above all tables",
            )
            for table, key in [
                ("runtime", "bigquery_location"),
                ("destination.bigquery", "bigquery_location"),
                ("sources.other", "bigquery_location"),
                ("scanner_sync", "dataset"),
            ]
        ),
        (
            "config.toml",
            'bigquery_emulator_host = "http://localhost:9050"',
            "bigquery_emulator_host is read from the environment only: remove it from"
            " .dlt/config.toml",
        ),
    ],
)
def test_a_key_without_effect_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str, line: str, fault: str
) -> None:
    """It would leave the default in force, and a dataset is created in its location for good."""
    set_all(monkeypatch, GOOD)
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / file).write_text(f"page_size = 5\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == (
        f"Correct these settings, in the environment or in .dlt/: {fault}."
    )


def test_tables_of_dlt_are_passed_over(tmp_path: Path) -> None:
    """Other pipelines may share the directory. A template may have an empty token."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt/config.toml").write_text(
        'access_token = ""\n[runtime]\nlog_level = "DEBUG"\n'
        '[destination.bigquery]\nlocation = "EU"\n'
        '[sources.other]\napi_base_url = "https://other/"\ndataset = "d"\npage_size = 7\n'
    )
    (tmp_path / ".dlt/secrets.toml").write_text(
        'api_base_url = "https://h/"\naccess_token = "t"\n[sources.other]\naccess_token = "o"\n'
        '[destination.databricks.credentials]\naccess_token = "d"\n',
        encoding="utf-8-sig",  # as editors on Windows write it
    )
    assert read_settings() == Settings(api_base_url="https://h/", access_token="t")


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("EXPOSED_TAGS", "web, Front End,web", ("web", "Front End", "web")),
        ("INTERNAL_TAGS", " lab ", ("lab",)),
        *(("LOG_LEVEL", value, value.upper()) for value in ("debug", "Info", "warning", "error")),
        *(("LOG_LEVEL", value, "WARNING") for value in ("WARN", "warn")),
        ("ACCESS_TOKEN", "dG9rZW4=", "dG9rZW4="),
        ("ACCESS_TOKEN", "dG9rZQ==", "dG9rZQ=="),
        ("ACCESS_TOKEN", "1234", "1234"),
        ("ACCESS_TOKEN", "1|a:b.c-d_e~f+g/h", "1|a:b.c-d_e~f+g/h"),
    ],
)
def test_forms_that_are_taken(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, meant: object
) -> None:
    """As people and other programs write them."""
    set_all(monkeypatch, GOOD | {name: value})
    assert getattr(read_settings(), name.lower()) == meant


GIVEN = {
    "API_BASE_URL": "https://h/",
    "ACCESS_TOKEN": "t",
    "ACCESS_TOKEN_SECRET": "projects/p/secrets/s",
    "GOOGLE_CLOUD_PROJECT": "my-project",
    "BIGQUERY_BILLING_PROJECT": "finance-1",
    "DATASET": "d",
    "BIGQUERY_LOCATION": "EU",
    "EXPOSED_TAGS": "dmz",
    "INTERNAL_TAGS": "lab",
    "PAGE_SIZE": "7",
    "MAX_CONCURRENT_REQUESTS": "8",
    "MAX_REQUESTS_PER_SYNC": "9",
    "FULL_READ_HOURS": "10",
    "SYNC_DEADLINE_SECONDS": "10",
    "INTELLIGENCE": "epss",
    "KEV_URL": "https://h/kev.json",
    "EPSS_URL": "https://h/epss.csv.gz",
    "SSVC_URL": "https://h/{cve}",
    "LOG_LEVEL": "ERROR",
    "BIGQUERY_EMULATOR_HOST": "http://localhost:9050",
    "SECRET_MANAGER_EMULATOR_HOST": "localhost:9090",
}
"""A value of each setting that is not its default."""


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r\n", "\N{NO-BREAK SPACE}"])
def test_white_space_around_a_setting_is_stripped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, space: str
) -> None:
    """In the environment, for the libraries that read it too, and in the files."""
    assert GIVEN.keys() == {name.upper() for name in SETTINGS} | {*EMULATORS}
    set_all(monkeypatch, GIVEN)
    plain = read_settings()
    others = {
        name: "http://localhost:3128"
        for proxy in ("HTTP", "HTTPS", "ALL", "NO", "GRPC")
        for name in (f"{proxy}_PROXY", f"{proxy}_PROXY".lower())
    } | dict.fromkeys(
        ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GOOGLE_APPLICATION_CREDENTIALS"), "/a file"
    )
    # monkeypatch undoes what `clean_environment` does to these, too.
    set_all(monkeypatch, dict.fromkeys(["NETRC", *others], "before"))
    set_all(monkeypatch, {n: f"{space}{v}{space}" for n, v in (GIVEN | others).items()})
    clean_environment()
    assert {name: os.environ[name] for name in GIVEN | others} == GIVEN | others
    assert read_settings() == plain
    assert read_settings().bigquery_emulator_host == GIVEN["BIGQUERY_EMULATOR_HOST"]

    set_all(monkeypatch, {n: space for n in GIVEN if n not in EMULATORS})  # as good as not set
    (tmp_path / ".dlt").mkdir()
    quoted = {
        name.lower(): json.dumps(f"{space}{value}{space}")
        for name, value in GIVEN.items()
        if name not in EMULATORS
    }
    (tmp_path / ".dlt/secrets.toml").write_text(
        "".join(f"{key} = {value}\n" for key, value in quoted.items())
    )
    assert read_settings() == plain


HINTS = {
    '{"token": "t"}': " (it is JSON: give the value alone)",
    '{\n  "token": "t"\n}': " (it is JSON: give the value alone)",
    '["t"]': " (it is JSON: give the value alone)",
    '"t"': " (it is in quotes: leave them out)",
    "'t'": " (it is in quotes: leave them out)",
    "`t`": " (it is in quotes: leave them out)",
    "“t”": " (it is in quotes: leave them out)",
    "ACCESS_TOKEN=t": " (it is NAME=VALUE: give VALUE alone)",
    "access-token = t": " (it is NAME=VALUE: give VALUE alone)",
    "export ACCESS_TOKEN=t": " (it is NAME=VALUE: give VALUE alone)",
    "Authorization: Bearer t": " (it is NAME=VALUE: give VALUE alone)",
    "token: t": " (it is NAME=VALUE: give VALUE alone)",
    "Bearer t": " (leave out Bearer)",
    "token t": " (leave out token)",
    "two words": "",
}
"""What is not a token, and what the error adds."""


@pytest.mark.parametrize("value", HINTS)
def test_what_is_around_a_value_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """In any setting, as files for Docker keep the quotes; and the value is not shown."""
    forms = {name: form for name, _, form in WRONG} | {
        n: form for n, (form, _) in EMULATORS.items()
    }
    for name, form in forms.items():
        if name.endswith("_TAGS") and value[0] not in "[\"'`“":
            continue  # most text can be a tag
        with monkeypatch.context() as patch:
            set_all(patch, GOOD | {name: value})
            with pytest.raises(SettingsError) as caught:
                read_settings()
        assert str(caught.value) == (
            "Correct these settings, in the environment or in .dlt/:"
            f" {name} must be {form}{HINTS[value]}."
        )
