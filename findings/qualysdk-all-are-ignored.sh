#!/bin/sh
# Library: qualysdk 0.3.17 (PyPI), of Qualys' API
# Summary: Each detection is ignored and disabled, also if Qualys says that it is not, and each vulnerability has a
#   patch; a severity is text in one place and a number in another.
# Guess: IS_IGNORED "0" is False, times are UTC, and severities are numbers.
# Behavior: a boolean is made by bool() of the text in the XML, which is true of "0". Times are UTC, as guessed; the
#   severity of a detection stays text, that of the knowledge base is a number.
# Output:
#     each 1 in the XML:
#       SSL True, IS_IGNORED True, IS_DISABLED True, PATCHABLE True, PCI_FLAG True
#     each 0 in the XML:
#       SSL True, IS_IGNORED True, IS_DISABLED True, PATCHABLE True, PCI_FLAG True
#     severity: of the detection '2', of the knowledge base 2
#     first found: 2026-11-10 12:00:00+00:00
# Why it matters: `if not detection.IS_IGNORED` leaves no detection, and "with a patch" leaves all. A join of
#   detections with the knowledge base by severity finds nothing. Read the fields as text from `to_dict()` before, or
#   the XML.
set -eu
packages="qualysdk==0.3.17"
# Of what it requires, what is imported here: the rest are drivers of databases and what makes its documentation.
required="beautifulsoup4==4.15.0 defusedxml==0.7.1 frozendict==2.5.1 lxml==6.1.3 pandas==2.3.3 requests==2.34.2"
required="$required sqlalchemy==2.1.9 xmltodict==1.0.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check --no-deps $packages
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $required
"$dir/bin/python" - >"$dir/output" <<'END'
from qualysdk.base.xml_parser import xml_parser
from qualysdk.vmdr.data_classes.detection import Detection
from qualysdk.vmdr.data_classes.kb_entry import KBEntry

DETECTION = """<DETECTION><UNIQUE_VULN_ID>1</UNIQUE_VULN_ID><QID>38170</QID><TYPE>Confirmed</TYPE><SEVERITY>2</SEVERITY>
<PORT>443</PORT><PROTOCOL>tcp</PROTOCOL><SSL>{0}</SSL><STATUS>Active</STATUS>
<FIRST_FOUND_DATETIME>2026-11-10T12:00:00Z</FIRST_FOUND_DATETIME><TIMES_FOUND>3</TIMES_FOUND>
<IS_IGNORED>{0}</IS_IGNORED><IS_DISABLED>{0}</IS_DISABLED></DETECTION>"""
VULN = """<VULN><QID>38170</QID><VULN_TYPE>Vulnerability</VULN_TYPE><SEVERITY_LEVEL>2</SEVERITY_LEVEL><TITLE>TLS</TITLE>
<PATCHABLE>{0}</PATCHABLE><PCI_FLAG>{0}</PCI_FLAG></VULN>"""


def read(made, text):
    [fields] = xml_parser(text).values()
    return made.from_dict(fields)


for flag in (1, 0):
    detection, entry = read(Detection, DETECTION.format(flag)), read(KBEntry, VULN.format(flag))
    print(f"each {flag} in the XML:")
    flags = {name: getattr(detection, name) for name in ("SSL", "IS_IGNORED", "IS_DISABLED")}
    flags |= {name: getattr(entry, name) for name in ("PATCHABLE", "PCI_FLAG")}
    print("  " + ", ".join(f"{name} {value}" for name, value in flags.items()))
print(f"severity: of the detection {detection.SEVERITY!r}, of the knowledge base {entry.SEVERITY_LEVEL!r}")
print(f"first found: {detection.FIRST_FOUND_DATETIME}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
