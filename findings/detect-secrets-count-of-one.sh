#!/bin/sh
# Library: detect-secrets 1.5.0 (PyPI)
# Summary: One secret on three lines of a file is one finding, of the first of them, in two files two, and on a line
#   that two detectors know two.
# Guess: a finding is a place: a file, a line and a kind.
# Behavior: a finding is a file, a kind and the hash of the secret. Of more lines it has the first, and moves to the
#   next when that one is mended; what two detectors know is there twice.
# Output:
#     three lines of a file: 1: [('a.py', 1, 'AWS Access Key')]
#     the first of them is gone: 1: [('a.py', 2, 'AWS Access Key')]
#     two files: 2: [('a.py', 1, 'AWS Access Key'), ('b.py', 1, 'AWS Access Key')]
#     one line, by two detectors: 2: [('a.py', 1, 'AWS Access Key'), ('a.py', 1, 'Secret Keyword')]
# Why it matters: its number of findings is neither that of places to mend nor that of secrets to change, and a
#   finding that is counted by its line is fixed and found anew when a line is mended. Count the hashes.
set -eu
packages="detect-secrets==1.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import os
import tempfile

from detect_secrets import SecretsCollection
from detect_secrets.settings import transient_settings

# Put together here, so this file has none.
KEY = "AKIA" + "QWERTYUIOPASDFGH"
FILES = {
    "three lines of a file": {"a.py": f'one = "{KEY}"\ntwo = "{KEY}"\nthree = "{KEY}"\n'},
    "the first of them is gone": {"a.py": f'\ntwo = "{KEY}"\nthree = "{KEY}"\n'},
    "two files": {"a.py": f'one = "{KEY}"\n', "b.py": f'one = "{KEY}"\n'},
    "one line, by two detectors": {"a.py": f'api_key = "{KEY}"\n'},
}
with transient_settings({"plugins_used": [{"name": "AWSKeyDetector"}, {"name": "KeywordDetector"}]}):
    for name, files in FILES.items():
        secrets = SecretsCollection()
        with tempfile.TemporaryDirectory() as folder:
            for file, text in files.items():
                path = os.path.join(folder, file)
                with open(path, "w") as written:
                    written.write(text)
                secrets.scan_file(path)
        found = [(os.path.basename(file), secret.line_number, secret.type) for file, secret in secrets]
        print(f"{name}: {len(found)}:", sorted(found))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
