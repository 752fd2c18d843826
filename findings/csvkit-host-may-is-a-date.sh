#!/bin/sh
# Library: csvkit 2.2.0 with agate 1.14.2 (PyPI)
# Summary: A column of the hosts "may" and "sat" is one of dates in the year 1, "7,5" is 75, "10%" is 10, and an owner
#   "none" is null.
# Guess: "7,5" and "10%" are text, and so is what is no number.
# Behavior: the type of a column is the first of several that reads all its values: a number without its signs for
#   percent, money and thousands, a duration, a date by what a person might say, such as "may" or "yesterday". "none",
#   "n/a", "null" and "." are null. Only `--no-inference` keeps what the file has.
# Output:
#     csvjson --snifflimit 0
#       {"host": "0001-05-01", "owner": null, "cvss": 75.0, "share": 10.0, "wait": "0:05:00", "flag": false}
#       {"host": "0001-01-06", "owner": "ann", "cvss": 98.0, "share": 50.0, "wait": "0:01:30", "flag": true}
#     csvjson --snifflimit 0 --no-inference
#       {"host": "may", "owner": "none", "cvss": "7,5", "share": "10%", "wait": "5m", "flag": "0"}
#       {"host": "sat", "owner": "ann", "cvss": "9,8", "share": "50%", "wait": "1:30", "flag": "1"}
# Why it matters: csvjson, csvsort, csvjoin and csvsql write what they have read: scores of 75, hosts that are dates,
#   and dates that depend on the day of the run. One more row with another host, and the column is text again.
set -eu
packages="csvkit==2.2.0 agate==1.14.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/issues.csv" <<'END'
host,owner,cvss,share,wait,flag
may,none,"7,5",10%,5m,0
sat,ann,"9,8",50%,1:30,1
END
say() {
    echo "csvjson $*"
    "$dir/bin/csvjson" "$@" --stream "$dir/issues.csv" | sed 's/^/  /'
}
{
    say --snifflimit 0
    say --snifflimit 0 --no-inference
} >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
