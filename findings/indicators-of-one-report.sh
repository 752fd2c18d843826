#!/bin/sh
# Library: ioc-finder 9.4.1 and iocsearcher 3.1.0 (PyPI), which find indicators in reports
# Summary: iocsearcher reads CVE-2026-1234567 as CVE-2026-123456, which is another one, and no CVE in lower case;
#   ioc-finder takes a comma after a URL with a query for its end.
# Guess: of one text, with defanged URLs and addresses, CVEs and a hash among it, both find the same set of indicators,
#   each once.
# Behavior: they agree on what is defanged. A network is one for iocsearcher, and its first address, too, if that is no
#   address of documentation, which it leaves out; for ioc-finder it is an address.
# Output:
#     hxxps://evil[.]example[.]com/a: both https://evil.example.com/a
#     9[.]9[.]9[.]9: both 9.9.9.9
#     CVE-2026-123456: both CVE-2026-123456
#     CVE-2026-1234567: ioc-finder CVE-2026-1234567; iocsearcher CVE-2026-123456
#     cve-2026-12345: ioc-finder CVE-2026-12345; iocsearcher none
#     https://example.com/x?id=1, then: ioc-finder https://example.com/x?id=1,; iocsearcher https://example.com/x?id=1
#     9.9.9.0/24: ioc-finder 9.9.9.0; iocsearcher 9.9.9.0 9.9.9.0/24
#     192.0.2.1: ioc-finder 192.0.2.1; iocsearcher none
# Why it matters: a report is joined with another vulnerability, or with none, and a list of URLs has some that never
#   match. Look for CVEs with the pattern of the CVE schema, four to nineteen digits.
set -eu
packages="ioc-finder==9.4.1 iocsearcher==3.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from ioc_finder import find_iocs
from iocsearcher.searcher import Searcher

searcher = Searcher()
for text in (
    "hxxps://evil[.]example[.]com/a", "9[.]9[.]9[.]9", "CVE-2026-123456", "CVE-2026-1234567", "cve-2026-12345",
    "https://example.com/x?id=1, then", "9.9.9.0/24", "192.0.2.1",
):
    line = f"The report has {text} in it."
    one = [value for name, values in find_iocs(line).items() if name != "domains" for value in values]
    other = sorted(found.value for found in searcher.search_data(line) if found.name != "fqdn")
    names = {"both": one} if one == other else {"ioc-finder": one, "iocsearcher": other}
    print(f"{text}:", "; ".join(f"{name} {' '.join(found) or 'none'}" for name, found in names.items()))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
