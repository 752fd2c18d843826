#!/bin/sh
# Library: misp-stix 2026.10.12 with pymisp 2.5.34.4 (PyPI), MISP's own
# Summary: A vulnerability that goes from MISP to STIX and back has lost its comment and when it was first and
#   last seen.
# Guess: an event that MISP's own converter writes as STIX and reads again has the same attributes, or there is a
#   warning.
# Behavior: the id, the value and the tags come back. The comment of a vulnerability and of an address is gone,
#   and so are the times of a vulnerability and of the types that STIX does not have, whose comments stay. The
#   event has lost its threat level. Nothing is reported for what is gone.
# Output:
#     vulnerability CVE-2026-1234: comment lost, first_seen lost, last_seen lost, tags kept
#     ip-dst 10.0.0.1: comment lost, first_seen kept, last_seen kept, tags kept
#     weakness CWE-79: comment kept, first_seen lost, last_seen lost, tags kept
#     event: threat_level_id lost, analysis lost, info kept
#     warnings: MISP Attribute type weakness not mapped.
# Why it matters: two MISP instances that exchange STIX disagree on how long a vulnerability has been known, and
#   on why it was accepted. Exchange MISP's JSON where both sides are MISP.
set -eu
packages="misp-stix==2026.10.12 pymisp==2.5.34.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from misp_stix_converter import InternalSTIX2toMISPParser, MISPtoSTIX21Parser
from pymisp import MISPEvent

ours = {"comment": "accepted until May", "first_seen": "2026-11-01T08:00:00+00:00"}
event = MISPEvent()
event.from_dict(
    info="Scan",
    uuid="11111111-1111-4111-8111-111111111111",
    date="2026-11-02",
    timestamp=1793606400,
    threat_level_id=1,
    analysis=2,
    Orgc={"name": "Example", "uuid": "22222222-2222-4222-8222-222222222222"},
)
for kind, value in (("vulnerability", "CVE-2026-1234"), ("ip-dst", "10.0.0.1"), ("weakness", "CWE-79")):
    attribute = event.add_attribute(kind, value, last_seen="2026-11-02T08:00:00+00:00", **ours)
    attribute.timestamp = 1793606400
    attribute.add_tag("risk:accepted")

writer, reader = MISPtoSTIX21Parser(), InternalSTIX2toMISPParser()
writer.parse_misp_event(event)
reader.load_stix_bundle(writer.bundle)
reader.parse_stix_bundle()


def kept(before, after, *names):
    pairs = ((name, str(getattr(before, name)), str(getattr(after, name, None))) for name in names)
    return [f"{name} {'kept' if old == new else 'lost'}" for name, old, new in pairs]


read = {(attribute.type, attribute.value): attribute for attribute in reader.misp_event.attributes}
for attribute in event.attributes:
    after = read[attribute.type, attribute.value]
    parts = kept(attribute, after, "comment", "first_seen", "last_seen")
    parts.append("tags kept" if [tag.name for tag in after.tags] == ["risk:accepted"] else "tags lost")
    print(f"{attribute.type} {attribute.value}: {', '.join(parts)}")
print(f"event: {', '.join(kept(event, reader.misp_event, 'threat_level_id', 'analysis', 'info'))}")
assert not writer.errors and not reader.errors and not reader.warnings
print("warnings:", *(warning for each in writer.warnings.values() for warning in each))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
