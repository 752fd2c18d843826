"""docs/reference.md shows what the function answers and logs; `cog --check` holds its tables."""

import json
import re
from typing import Any

import flask.testing
import pytest

from local.processes import ROOT
from sample_api import Account
from tests.docs.markdown import blocks, table
from tests.support.events import COST, FIELDS

JSON = {
    heading: [block.text for block in blocks() if block.info == "json" and block.heading == heading]
    for heading in ("Requests", "Answers")
}


def shape(value: Any) -> Any:
    """Replace each value by its type."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return type(value)


@pytest.mark.usefixtures("api_url", "dataset")
def test_the_answers_are_those_of_the_function(
    account: Account, http: flask.testing.FlaskClient
) -> None:
    """Of a sync of the table in the example, and of an error: the same keys and types."""
    ok, error = map(json.loads, JSON["Answers"])
    account.issues = [{"id": 1, "severity": "high"}]
    account.occurrences = {1: [{"id": 1, "target": "www.example.com"}]}
    answer = http.post("/", json={"resources": list(ok["tables"])})
    assert shape(ok) == shape(answer.get_json())
    assert shape(error) == shape(http.get("/").get_json())


@pytest.mark.usefixtures("api_url", "dataset")
def test_the_request_is_one_that_the_function_takes(http: flask.testing.FlaskClient) -> None:
    [request] = JSON["Requests"]
    answer = http.post("/", data=request)
    assert answer.status_code == 200
    assert list(answer.get_json()["tables"]) == json.loads(request)["resources"]


def test_the_events_have_the_fields_that_are_logged() -> None:
    """As the tests of the log see them."""
    assert {row[0].strip("`") for row in table("docs/reference.md", "The cost of a sync")} == COST
    shown = {
        event.strip("`"): set(re.findall(r"`(\w+)`", fields))
        | (COST if "cost" in fields else set())
        for event, _, _, fields in table("docs/reference.md", "Log events")
    }
    assert {event: shown[event] for event in FIELDS} == FIELDS


def test_the_commands_that_take_an_account_are_named() -> None:
    """docs/accounts.md has all of them, in the order of the reference."""
    shown = re.findall(r"`(\w+) --account NAME`", (ROOT / "docs/reference.md").read_text())
    [said] = re.findall(r"On the command line, (.*) take", (ROOT / "docs/accounts.md").read_text())
    assert re.findall(r"`(\w+)`", said) == shown
