#!/bin/sh
# Library: pip-audit 2.10.1 and packaging 26.4 (PyPI), of a pylock.toml
# Summary: Of a lock file of three packages for each machine it audits five, both versions of one among them, and
#   packages of Windows and of the developers.
# Guess: a package whose marker is for Windows only is not audited on Linux, as pip would not install it.
# Behavior: it reads no marker, group or extra: what the file has for any machine is audited. packaging's `select` has
#   what an installation here has.
# Output:
#     pip-audit: would have audited 5 packages
#     packaging, Linux, Python 3.11: numpy 1.26.4, web 1.0
#     packaging, Linux, Python 3.13: numpy 2.3.0, web 1.0
#     packaging, Windows, Python 3.13: colorama 0.4.6, numpy 2.3.0, web 1.0
#     packaging, Linux, Python 3.13, group dev: lint 1.0, numpy 2.3.0, web 1.0
# Why it matters: an image is said to have a vulnerable version that is not in it, and a count by lock files is not one
#   by machines. Audit the environment, or take those that `select` has.
set -eu
packages="pip-audit==2.10.1 packaging==26.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/pylock.toml" <<'END'
lock-version = "1.0"
created-by = "example"
dependency-groups = ["dev"]
END
while IFS='|' read -r name version marker; do
    cat <<END

[[packages]]
name = "$name"
version = "$version"
marker = "$marker"

[[packages.wheels]]
url = "https://example.com/$name-$version-py3-none-any.whl"
hashes = {sha256 = "$(printf %064d 0)"}
END
done >>"$dir/pylock.toml" <<'END'
colorama|0.4.6|sys_platform == 'win32'
numpy|1.26.4|python_version < '3.12'
numpy|2.3.0|python_version >= '3.12'
lint|1.0|'dev' in dependency_groups
web|1.0|python_version >= '3.8'
END
"$dir/bin/pip-audit" --locked --dry-run --verbose "$dir" >"$dir/said" 2>&1
sed -n 's/.*Dry run: /pip-audit: /p' "$dir/said" >"$dir/output"
(cd "$dir" && bin/python -) >>"$dir/output" <<'END'
import tomllib

from packaging.markers import default_environment
from packaging.pylock import Pylock

with open("pylock.toml", "rb") as file:
    lock = Pylock.from_dict(tomllib.load(file))
for name, platform, python, groups in [
    ("Linux, Python 3.11", "linux", "3.11", []), ("Linux, Python 3.13", "linux", "3.13", []),
    ("Windows, Python 3.13", "win32", "3.13", []), ("Linux, Python 3.13, group dev", "linux", "3.13", ["dev"]),
]:
    environment = {
        **default_environment(), "sys_platform": platform,
        "python_version": python, "python_full_version": f"{python}.0",
    }
    chosen = [package for package, _ in lock.select(environment=environment, dependency_groups=groups)]
    print(f"packaging, {name}:", ", ".join(sorted(f"{package.name} {package.version}" for package in chosen)))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
