#!/bin/sh
# Library: cloudevents 2.2.0 (PyPI; released in June 2026), its `cloudevents.v1` and `cloudevents.core`
# Summary: Of two halves of one package, one encodes attributes in HTTP headers and the other does not, so a source
#   with `%20` arrives as another source.
# Guess: an event that is sent by the old interface, which 2.x keeps for compatibility, is read by the new one as it
#   was, and the other way round.
# Behavior: the new one writes a percent sign, a space and what is not ASCII as `%25`, `%20` and so on, as the
#   binding for HTTP says, and decodes them. The old one does neither. In structured mode, as JSON, both agree.
# Output:
#     binary, old to old: as it was sent
#     binary, old to new: source //scanner.example/targets/shop north
#     binary, new to old: source //scanner.example/targets/shop%2520north, subject 75%25%20of%20TLS
#     binary, new to new: as it was sent
#     structured, old to old: as it was sent
#     structured, old to new: as it was sent
#     structured, new to old: as it was sent
#     structured, new to new: as it was sent
# Why it matters: source and id tell whether an event was seen before, and a target is looked up by its subject; with
#   a URL in them, sender and receiver of two releases mean different things. Send structured events until both sides
#   are new.
set -eu
packages="cloudevents==2.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import warnings

from cloudevents.core.bindings.http import HTTPMessage
from cloudevents.core.bindings.http import from_http_event as new_read
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent as New
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent as Old
from cloudevents.v1.http import from_http as old_read

warnings.simplefilter("ignore")
SENT = {
    "id": "1", "type": "example.scanner.found", "specversion": "1.0", "datacontenttype": "application/json",
    "source": "//scanner.example/targets/shop%20north", "subject": "75% of TLS",
}
old, new = Old(SENT, {"rows": 7}), New(SENT, {"rows": 7})
senders = {
    "binary, old": to_binary(old), "binary, new": to_binary_event(new),
    "structured, old": to_structured(old), "structured, new": to_structured_event(new),
}
for sender, message in senders.items():
    headers, body = message if isinstance(message, tuple) else (message.headers, message.body)
    for reader, event in {
        "old": old_read(dict(headers), body), "new": new_read(HTTPMessage(headers=dict(headers), body=body)),
    }.items():
        got = event.get_attributes()
        changed = [f"{name} {got[name]}" for name in ("source", "subject") if got[name] != SENT[name]]
        print(f"{sender} to {reader}:", ", ".join(changed) or "as it was sent")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
