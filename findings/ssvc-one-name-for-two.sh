#!/bin/sh
# Library: certcc-ssvc 2026.10.0 and ssvc 1.2.3 (PyPI)
# Summary: Both are imported as `ssvc`: the later install decides what that is, and removing it breaks the other.
# Guess: pip refuses to install two distributions that write the same file, or `pip check` names them.
# Behavior: neither happens. After both, `import ssvc` is the later one, while the modules of the earlier one are
#   still found below it. Removing the later one takes the shared `__init__.py` away, and the earlier one stays
#   installed without it.
# Output:
#     ssvc, then certcc-ssvc: check 0, Decision False registry True
#     certcc-ssvc, then ssvc: check 0, Decision True registry False
#     ssvc removed: no file, registry False
# Why it matters: a tool that brings the one takes the API of the other away from the program beside it, with an
#   error that names neither. Have one of them in an environment, as the one of this project's tests has.
# Used in: pyproject.toml
set -eu
packages="certcc-ssvc==2026.10.0 ssvc==1.2.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
python=${PYTHON:-python3}
for other in python3.13 python3.12; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' && break
    "$other" -c '' 2>/dev/null && python=$other
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' || {
    echo "skipped: certcc-ssvc needs Python 3.12 or later"
    exit 0
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
install() {
    "$python" -m pip --python "$dir/$1/bin/python" install --quiet --no-compile \
        --disable-pip-version-check "$2"
}
show() {
    "$dir/$1/bin/python" -c 'import ssvc
print("Decision", hasattr(ssvc, "Decision"), "registry", hasattr(ssvc, "registry"))'
}
certcc=${packages% *} other=${packages#* }
for order in "$other $certcc" "$certcc $other"; do
    first=${order% *} second=${order#* }
    "$python" -m venv --without-pip "$dir/$first"
    install "$first" "$first"
    install "$first" "$second"
    status=0
    "$python" -m pip --python "$dir/$first/bin/python" check >/dev/null || status=$?
    echo "${first%%=*}, then ${second%%=*}: check $status, $(show "$first")" >>"$dir/output"
done
"$python" -m pip --python "$dir/$certcc/bin/python" uninstall --quiet --yes ssvc
"$dir/$certcc/bin/python" - >>"$dir/output" <<'END'
import ssvc

file = "a file" if ssvc.__file__ else "no file"
print(f"ssvc removed: {file}, registry {hasattr(ssvc, 'registry')}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
