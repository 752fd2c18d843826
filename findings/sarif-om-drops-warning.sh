#!/bin/sh
# Library: sarif-om 1.0.4 with jschema-to-python 1.2.3 (PyPI), beside sarif-tools 3.0.5
# Summary: A result that is set to the level warning is written without a level, and then has the one of its rule.
# Guess: a result whose level is set to `warning` is written with that level.
# Behavior: sarif-om takes `warning` for the default and leaves it out. But a result without a level has the level
#   of its rule, which here is `error`, and the rule's own `warning` is left out just the same.
# Output:
#     set error written error read as error
#     set warning written None read as error
#     set note written note read as note
# Why it matters: a finding that was downgraded is an error again for whoever reads the file. The other levels
#   arrive. Write the JSON without this package, or `level` into it afterwards.
set -eu
packages="sarif-om==1.0.4 jschema-to-python==1.2.3 sarif-tools==3.0.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import json
import sys
from pathlib import Path

import sarif_om as sarif
from jschema_to_python.to_json import to_json
from sarif.loader import load_sarif_file

rule = sarif.ReportingDescriptor(
    id="weak-cipher", default_configuration=sarif.ReportingConfiguration(level="error")
)
results = [
    sarif.Result(message=sarif.Message(text=level), rule_id="weak-cipher", rule_index=0, level=level)
    for level in ("error", "warning", "note")
]
driver = sarif.ToolComponent(name="scanner", rules=[rule])
log = sarif.SarifLog(version="2.1.0", runs=[sarif.Run(tool=sarif.Tool(driver=driver), results=results)])
written = json.loads(to_json(log))
path = Path(sys.argv[1], "a.sarif")
path.write_text(json.dumps(written))
read = load_sarif_file(str(path))
for result, record in zip(written["runs"][0]["results"], read.get_records(), strict=True):
    print("set", result["message"]["text"], "written", result.get("level"), "read as", record["Severity"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
