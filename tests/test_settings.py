"""Each setting: where it is read from, its default, and the error if it is malformed."""

from pathlib import Path
from typing import Any

import flask.testing
import pytest

from scanner_sync.errors import SettingsError
from scanner_sync.settings import Settings, read_settings

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
        dataset="scanner",
        bigquery_location="US",
        page_size=100,
        max_concurrent_requests=20,
        max_requests_per_sync=4500,
        sync_deadline_seconds=1500,
        log_level="INFO",
    )


def test_settings_from_the_dlt_files(tmp_path: Path) -> None:
    """`.dlt/config.toml` and `.dlt/secrets.toml` of the working directory hold settings, too."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt/config.toml").write_text(
        'api_base_url = "http://localhost:8081/v1/"\naccess_token_secret = "projects/p/secrets/s"\n'
        'google_cloud_project = "my-project"\ndataset = "security_2"\nbigquery_location = "EU"\n'
        "page_size = 50\nmax_concurrent_requests = 5\nmax_requests_per_sync = 1000\n"
        'sync_deadline_seconds = "60"\n'
        'log_level = "DEBUG"\n'
    )
    (tmp_path / ".dlt/secrets.toml").write_text('access_token = "of-the-file"\n')
    assert read_settings() == Settings(
        api_base_url="http://localhost:8081/v1/",
        access_token="of-the-file",
        access_token_secret="projects/p/secrets/s",
        google_cloud_project="my-project",
        dataset="security_2",
        bigquery_location="EU",
        page_size=50,
        max_concurrent_requests=5,
        max_requests_per_sync=1000,
        sync_deadline_seconds=60,
        log_level="DEBUG",
    )


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
    (
        "GOOGLE_CLOUD_PROJECT",
        ["My Project", "p", "123456"],
        "a project id: 6 to 30 lower-case letters, digits and hyphens",
    ),
    (
        "DATASET",
        ["Scanner", "a-b", "a__b", "_a", "1a", "a.b", "a_", "a_staging"],
        "lower-case letters and digits, single underscores between them, not ending in _staging",
    ),
    ("BIGQUERY_LOCATION", ["E U", "eu/"], "a BigQuery location, such as EU"),
    ("PAGE_SIZE", ["0", "-1", "ten", "1.5", "10001", "٣"], "a number from 1 to 10000"),
    ("MAX_CONCURRENT_REQUESTS", ["0", "201", "many"], "a number from 1 to 200"),
    ("MAX_REQUESTS_PER_SYNC", ["0", "1000001", "all"], "a number from 1 to 1000000"),
    ("SYNC_DEADLINE_SECONDS", ["0", "86401", "1e3", "soon"], "a number from 1 to 86400"),
    ("LOG_LEVEL", ["debug", "TRACE"], "DEBUG, INFO, WARNING or ERROR"),
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
        f"Correct these settings, in the environment or .dlt/config.toml: {name} must be {form}."
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
        f"Correct these settings, in the environment or .dlt/config.toml: {name} must be {form}."
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
    assert value in (settings.bigquery_emulator, settings.secret_manager_emulator)


def test_every_setting_can_be_wrong() -> None:
    """The list of wrong values above covers every setting."""
    assert [name for name, _, _ in WRONG] == [s.upper() for s in Settings.__dataclass_fields__]


def test_all_faults_in_one_message(
    http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function answers 500 with every fault, including missing settings."""
    set_all(monkeypatch, {"PAGE_SIZE": "ten", "DATASET": "My Data"})
    answer = http.post("/")
    message = (
        "Correct these settings, in the environment or .dlt/config.toml:"
        " DATASET must be lower-case letters and digits, single underscores between them, not"
        " ending in _staging;"
        " PAGE_SIZE must be a number from 1 to 10000;"
        " API_BASE_URL is required: the base URL, such as https://api.intruder.io/v1;"
        " ACCESS_TOKEN_SECRET is required: projects/PROJECT/secrets/SECRET (or ACCESS_TOKEN)."
    )
    assert (answer.status_code, answer.get_json()) == (
        500,
        {"status": "error", "error": {"type": "SettingsError", "message": message}},
    )


def test_the_token_is_not_shown() -> None:
    """Printing the settings does not print the token."""
    settings: Any = Settings(api_base_url="https://h/", access_token="the-token")
    assert "the-token" not in f"{settings} {settings!r}"


def test_the_token_is_read_as_a_secret(tmp_path: Path) -> None:
    """A token in config.toml is ignored, because that file is often committed."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt/config.toml").write_text('api_base_url = "https://h/"\naccess_token = "t"\n')
    with pytest.raises(SettingsError, match="ACCESS_TOKEN_SECRET is required"):
        read_settings()
