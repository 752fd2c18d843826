#!/bin/sh
# Library: openapi-python-client 0.29.1 (PyPI) with httpx
# Summary: A filter of style deepObject, `filter[tag]=web`, is sent as `tag=web`, and a list that the API reads as
#   `status=open,fixed` as `status=open&status=fixed`.
# Guess: a generated client writes a query as the description of the API says, by `style` and `explode`, or warns.
# Behavior: it does not read them. All lists are repeated, all objects spread out, and it generates without a warning.
# Output:
#     warnings: 0
#     status=open&status=fixed
#     port=80&port=443
#     tag=web
#     tag=dmz
# Why it matters: an API ignores a parameter that it does not know, so all findings come in place of those with the tag,
#   and of a repeated one it takes the last. Two filters that have a field of one name are one: the later wins.
set -eu
packages="openapi-python-client==0.29.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import pathlib
import subprocess
import sys
import tempfile

root = pathlib.Path(tempfile.mkdtemp())
TEXTS = {"type": "array", "items": {"type": "string"}}
TAGGED = {"type": "object", "properties": {"tag": {"type": "string"}}}
PARAMETERS = [
    {"name": "status", "style": "form", "explode": False, "schema": TEXTS},
    {"name": "port", "style": "pipeDelimited", "explode": False, "schema": TEXTS},
    {"name": "filter", "style": "deepObject", "explode": True, "schema": TAGGED},
    {"name": "exclude", "style": "deepObject", "explode": True, "schema": TAGGED},
]
(root / "api.json").write_text(json.dumps({
    "openapi": "3.0.3", "info": {"title": "Scanner", "version": "1"}, "paths": {"/issues/": {"get": {
        "operationId": "list_issues", "parameters": [{"in": "query", **parameter} for parameter in PARAMETERS],
        "responses": {"204": {"description": "none"}},
    }}},
}))
command = pathlib.Path(sys.executable).with_name("openapi-python-client")
options = ["--path", root / "api.json", "--meta", "none", "--output-path", root / "scanner"]
(root / "config.json").write_text('{"post_hooks": []}')
done = subprocess.run(
    [command, "generate", *options, "--config", root / "config.json"], check=True, capture_output=True, text=True
)
print("warnings:", (done.stdout + done.stderr).lower().count("warning"))
sys.path.insert(0, str(root))
from scanner import Client, models
from scanner.api.default import list_issues

import httpx


def answer(request):
    print(request.url.query.decode())
    return httpx.Response(204)


client = Client("https://scanner.example", httpx_args={"transport": httpx.MockTransport(answer)})
Filter, Exclude = models.ListIssuesFilter, models.ListIssuesExclude
list_issues.sync_detailed(client=client, status=["open", "fixed"])
list_issues.sync_detailed(client=client, port=["80", "443"])
list_issues.sync_detailed(client=client, filter_=Filter(tag="web"))
list_issues.sync_detailed(client=client, filter_=Filter(tag="web"), exclude=Exclude(tag="dmz"))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
