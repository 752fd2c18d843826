#!/bin/sh
# Library: python-hcl2 8.1.4 (PyPI)
# Summary: It reads Terraform's `"run"` as text with its quotes, also in the labels of blocks; release 7.3.1 reads
#   `run`.
# Guess: a string is read as its value, as in JSON, and a newer release adds to that.
# Behavior: since release 8 a string keeps its quotes, and so do the labels of a block, which has a key `__is_block__`
#   besides. An option, `strip_string_quotes`, takes them away.
# Output:
#     by default: {'"google_storage_bucket"': {'"raw"': {'location': '"EU"', '__is_block__': True}}}, a bucket: False
#     strip_string_quotes: {'google_storage_bucket': {'raw': {'location': 'EU', '__is_block__': True}}}, a bucket: True
# Why it matters: a test of a deployment, or an inventory, that asks for each `google_storage_bucket` finds none since
#   the upgrade, and says that all of them are right. Pin the release, or set the option, and let such a test fail
#   where it has found nothing.
set -eu
packages="python-hcl2==8.1.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import hcl2

text = """
resource "google_storage_bucket" "raw" {
  location = "EU"
}
"""
without = hcl2.SerializationOptions(strip_string_quotes=True)
for name, options in (("by default", {}), ("strip_string_quotes", {"serialization_options": without})):
    [block] = hcl2.loads(text, **options)["resource"]
    print(f"{name}: {block}, a bucket: {'google_storage_bucket' in block}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
