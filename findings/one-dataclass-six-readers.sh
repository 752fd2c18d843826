#!/bin/sh
# Library: pydantic 2.14.4, msgspec 0.23.0, dacite 1.9.2, cattrs 26.2.1, mashumaro 3.23, dataclasses-json 0.6.7 (PyPI)
# Summary: Of one dataclass and one JSON, three readers make true of "false", 7 of 7.9, and a list of letters of a text;
#   two make the text "None" of null.
# Guess: a value of another type than the field's is an error, or the value that it stands for: "false" is False.
# Behavior: cattrs, mashumaro and dataclasses-json call the type with the value, so `bool("false")` is True. msgspec and
#   dacite refuse all of them, pydantic takes "false" for False and "0443" for 443.
# Output:
#     bool {"field": "false"}
#       False: pydantic
#       refused: msgspec dacite
#       True: cattrs mashumaro dataclasses-json
#     bool {"field": null}
#       refused: pydantic msgspec dacite
#       False: cattrs mashumaro
#       None: dataclasses-json
#     int {"field": 7.9}
#       refused: pydantic msgspec dacite
#       7: cattrs mashumaro dataclasses-json
#     int {"field": "0443"}
#       443: pydantic cattrs mashumaro dataclasses-json
#       refused: msgspec dacite
#     str {"field": null}
#       refused: pydantic msgspec dacite
#       'None': cattrs mashumaro
#       None: dataclasses-json
#     list {"field": "CVE"}
#       refused: pydantic msgspec dacite
#       ['C', 'V', 'E']: cattrs mashumaro dataclasses-json
# Why it matters: an API that sends flags as text makes each finding a fixed one, a score of 7.9 is 7, and one tag that
#   is no list becomes its letters, without an error. Use a reader that refuses.
set -eu
packages="pydantic==2.14.4 msgspec==0.23.0 dacite==1.9.2 cattrs==26.2.1 mashumaro==3.23 dataclasses-json==0.6.7"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import dataclasses
import json
import warnings

import cattrs.preconf.json
import dacite
import dataclasses_json
import mashumaro.codecs.json
import msgspec
import pydantic

warnings.simplefilter("ignore")
converter = cattrs.preconf.json.make_converter()
READERS = {
    "pydantic": lambda kind, text: pydantic.TypeAdapter(kind).validate_json(text),
    "msgspec": lambda kind, text: msgspec.json.decode(text, type=kind),
    "dacite": lambda kind, text: dacite.from_dict(kind, json.loads(text)),
    "cattrs": lambda kind, text: converter.loads(text, kind),
    "mashumaro": lambda kind, text: mashumaro.codecs.json.JSONDecoder(kind).decode(text),
    "dataclasses-json": lambda kind, text: dataclasses_json.dataclass_json(kind).from_json(text),
}
for kind, value in (
    (bool, "false"), (bool, None), (int, 7.9), (int, "0443"), (str, None), (list[str], "CVE"),
):
    text, found = json.dumps({"field": value}), {}
    print(kind.__name__ if kind is not list[str] else kind, text)
    for name, read in READERS.items():
        Finding = dataclasses.make_dataclass("Finding", [("field", kind)])
        try:
            found[name] = repr(read(Finding, text).field)
        except Exception:
            found[name] = "refused"
    for answer in dict.fromkeys(found.values()):
        print(f"  {answer}:", *(name for name in found if found[name] == answer))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
