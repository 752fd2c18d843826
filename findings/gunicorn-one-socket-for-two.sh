#!/bin/sh
# Library: gunicorn 27.0.1 (PyPI)
# Summary: It opens a control socket in the home directory, and a second server of the user takes the first one's.
# Guess: gunicorn opens the port that it is given, and nothing else that another server could touch.
# Behavior: it also listens on `~/.gunicorn/gunicorn.ctl`. A second server of the same user puts its own socket
#   there, and when it ends, there is none, although the first server still answers. `gunicornc` without a path asks
#   whichever came last.
# Output:
#     first listens on  ~/.gunicorn/gunicorn.ctl
#     second listens on ~/.gunicorn/gunicorn.ctl
#     the file is still the first one's: False
#     after the second has ended: file False first runs True
# Why it matters: whoever adds workers with `gunicornc` adds them to another server than they think.
#   functions-framework runs on gunicorn. Name a path with `--control-socket`, or say `--no-control-socket`.
set -eu
packages="gunicorn==27.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import os
import subprocess
import sys
from pathlib import Path

folder = Path(sys.argv[1])
(folder / "app.py").write_text("def app(environ, start):\n    start('200 OK', [])\n    return [b'']\n")
home = folder / "home"
home.mkdir()
environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"} | {"HOME": str(home)}


def start():
    command = [sys.executable, "-m", "gunicorn", "--chdir", str(folder), "--bind", "127.0.0.1:0", "app:app"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if "Control socket" in line:
            return server, line.split()[-1].replace(str(home), "~")


first, path = start()
print("first listens on ", path)
number = (home / ".gunicorn/gunicorn.ctl").stat().st_ino
second, path = start()
print("second listens on", path)
print("the file is still the first one's:", (home / ".gunicorn/gunicorn.ctl").stat().st_ino == number)
second.terminate()
second.communicate()
print("after the second has ended: file", (home / ".gunicorn/gunicorn.ctl").exists(), "first runs", first.poll() is None)
first.terminate()
first.communicate()
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
