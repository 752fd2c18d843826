#!/bin/sh
# Library: whylogs 1.6.4 with numpy 1 and pandas 2, the last ones that it works with (PyPI)
# Summary: Texts that differ after the first 128 characters are one of its frequent items, of a name that no row has,
#   while the number of distinct ones is right.
# Guess: two texts that differ after the first 128 characters are two in the distinct estimate and in the frequent
#   items.
# Behavior: a text is cut at 128 characters before it is counted as a frequent item. The distinct estimate takes all of
#   it.
# Output:
#     3 URLs of 122 characters: 3 distinct
#       2 of https://...xx/b, which 2 rows have
#       1 of https://...xx/a, which 1 rows have
#       1 of https://...xx/c, which 1 rows have
#     3 URLs of 142 characters: 3 distinct
#       4 of https://...xxxx, which 0 rows have
# Why it matters: the locations of findings are URLs, which share their beginning, and CVSS 4.0 vectors have up to 200
#   characters: the most frequent one is many together. A constraint on frequent items says of them what is true of
#   none. Count hashes of long texts.
set -eu
packages="whylogs==1.6.4 numpy<2 pandas<3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import pandas
import whylogs

for length in (120, 140):
    start = "https://scanner.example/".ljust(length, "x")
    urls = [start + end for end in ("/a", "/b", "/b", "/c")]
    column = whylogs.log(pandas.DataFrame({"url": urls})).view().get_column("url")
    distinct = round(column.get_metric("cardinality").to_summary_dict()["est"])
    items = column.get_metric("frequent_items").to_summary_dict()["frequent_strings"]
    print(f"{len(set(urls))} URLs of {len(urls[0])} characters: {distinct} distinct")
    for item in sorted(items, key=lambda item: (-item.est, item.value)):
        print(f"  {item.est} of {item.value[:8]}...{item.value[-4:]}, which {urls.count(item.value)} rows have")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
