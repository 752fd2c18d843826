#!/bin/sh
# Library: datasketch 2.0.0 and rensa 0.5.0 beside RapidFuzz 3.14.6 and jellyfish 1.3.0 (PyPI)
# Summary: A search for duplicates by MinHash finds all findings without a reference to be one; of two empty texts
#   RapidFuzz says 100 by ratio and 0 by WRatio, and Jaro is 1 in RapidFuzz and 0 in jellyfish.
# Guess: two findings without any reference (empty sets) are no duplicates of each other. (After seeing datasketch: other
#   measures say of two empty texts what it says, 1 or 100, or raise an error.)
# Behavior: the hash of no elements is the same each time, so its likeness to itself is 1, in both libraries. Measures of
#   texts decide one by one: in RapidFuzz three scorers of seven have 0.
# Output:
#     datasketch: a b, b a, c d, d c
#     rensa: a b, b a, c d, d c
#     RapidFuzz: QRatio 0, WRatio 0, partial_ratio 100, ratio 100, token_ratio 100, token_set_ratio 0, token_sort_ratio 100
#     Jaro: RapidFuzz 1, jellyfish 0
# Why it matters: what has no CVE, no description and no owner becomes one group, of which one finding is kept; or none,
#   with another scorer. Leave empty ones out before comparing.
set -eu
packages="datasketch==2.0.0 rensa==0.5.0 RapidFuzz==3.14.6 jellyfish==1.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import datasketch
import jellyfish
import rensa
from rapidfuzz import distance, fuzz

findings = {"a": ["CVE-1", "CVE-2"], "b": ["CVE-1", "CVE-2"], "c": [], "d": [], "e": ["CVE-9"]}
names = list(findings)


def of_datasketch(references):
    found = datasketch.MinHash(num_perm=128)
    for reference in references:
        found.update(reference.encode())
    return found


def of_rensa(references):
    found = rensa.RMinHash(num_perm=128, seed=42)
    found.update(references)
    return found


def show(library, index, hashes):
    for number, of in enumerate(hashes):
        index.insert(number, of)
    alike = [
        f"{names[number]} {names[other]}"
        for number, of in enumerate(hashes)
        for other in sorted(index.query(of))
        if other != number
    ]
    print(f"{library}: {', '.join(alike)}")


index = datasketch.MinHashLSH(threshold=0.8, num_perm=128)
show("datasketch", index, [of_datasketch(references) for references in findings.values()])
index = rensa.RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
show("rensa", index, [of_rensa(references) for references in findings.values()])
scorers = ("QRatio", "WRatio", "partial_ratio", "ratio", "token_ratio", "token_set_ratio", "token_sort_ratio")
print("RapidFuzz:", ", ".join(f"{name} {getattr(fuzz, name)('', ''):.0f}" for name in scorers))
jaro = distance.Jaro.normalized_similarity("", ""), jellyfish.jaro_similarity("", "")
print(f"Jaro: RapidFuzz {jaro[0]:.0f}, jellyfish {jaro[1]:.0f}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
