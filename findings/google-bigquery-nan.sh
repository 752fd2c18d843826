#!/bin/sh
# Library: google-cloud-bigquery 3.47.0 (PyPI)
# Summary: Of NaN, insert_rows and a parameter send text, and insert_rows_json and load_table_from_json send what is no JSON.
# Guess: what is no JSON is an error before it is sent, or all four write the text that BigQuery's documents give, NaN.
# Behavior: the two that take rows of JSON write them with Python's json, which writes the bare word NaN, or Infinity. The two
#   that know the type of the column send it as text.
# Output:
#     insert_rows "nan"
#     insert_rows_json NaN
#     load_table_from_json NaN
#     parameter "nan"
# Why it matters: whether the bare word is taken is left to the parser that gets it. A file that this client loads may be
#   one that other readers of JSON lines refuse, and a stand-in for BigQuery may make NULL of it.
set -eu
packages="google-cloud-bigquery==3.47.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" -W ignore - >"$dir/output" <<'END'
import json
import math
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

sent = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        sent.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        job = {"projectId": "p", "jobId": "j", "location": "US"}
        answer = json.dumps({"jobReference": job, "status": {"state": "DONE"}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = bigquery.Client(
    "p",
    AnonymousCredentials(),
    client_options={"api_endpoint": f"http://127.0.0.1:{server.server_port}"},
)
rows, schema = [{"score": math.nan}], [bigquery.SchemaField("score", "FLOAT64")]
parameter = bigquery.ScalarQueryParameter("score", "FLOAT64", math.nan)
for name, send in {
    "insert_rows": lambda: client.insert_rows("p.d.t", rows, schema),
    "insert_rows_json": lambda: client.insert_rows_json("p.d.t", rows),
    "load_table_from_json": lambda: client.load_table_from_json(
        rows, "p.d.t", job_config=bigquery.LoadJobConfig(schema=schema)
    ),
    "parameter": lambda: client.query(
        "SELECT @score", bigquery.QueryJobConfig(query_parameters=[parameter])
    ),
}.items():
    sent.clear()
    send()
    print(name, *re.findall(r'"(?:score|value)": ("?nan"?)', sent[0], re.IGNORECASE))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
