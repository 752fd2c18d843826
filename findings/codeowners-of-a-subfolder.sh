#!/bin/sh
# Library: codeowners 5.1.1 and codeowners-utils 1.0.2 (npm), codeowners 0.9.0 (PyPI)
# Summary: Of `docs/* @docs`, which GitHub applies to the files of docs alone, the two of npm make the owner of all
#   folders in it, too; and what is named in a comment is an owner for two of the three.
# Guess: they name one owner for each file: the last match wins, a line without owners takes them away, docs/* is not
#   for docs/a/b, and a comment at the end of a line is none.
# Behavior: of files deeper within `docs/*`, only PyPI's has the owner that GitHub's documentation gives. Each
#   word after the pattern is an owner for npm's codeowners, also the #, and each with an @ for PyPI's.
# Output:
#     docs/index.md: codeowners @docs, codeowners-utils @docs, PyPI's @docs
#     docs/api/index.md: codeowners @docs, codeowners-utils @docs, PyPI's @all
#     src/main.js: codeowners @web # until May @ann, codeowners-utils @web, PyPI's @web @ann
#     apps/main.py: codeowners @apps, codeowners-utils @apps, PyPI's @apps
#     apps/github/main.py: codeowners nobody, codeowners-utils nobody, PyPI's nobody
# Why it matters: findings in code are given to teams by this file, so those in a subfolder go to who owns the pages of
#   its parent, and somebody who is named in a comment owns all of it. Write comments on lines of their own.
set -eu
node_packages="codeowners@5.1.1 codeowners-utils@1.0.2"
packages="codeowners==0.9.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
mkdir "$dir/repository"
cat >"$dir/repository/CODEOWNERS" <<'END'
* @all
docs/* @docs
*.js @web # until May @ann
/apps/ @apps
/apps/github
END
cat >"$dir/read.py" <<'END'
import pathlib
import sys

from codeowners import CodeOwners

owners = CodeOwners(pathlib.Path(sys.argv[1]).read_text())
for path in sys.argv[2:]:
    print(" ".join(name for _, name in owners.of(path)) or "nobody")
END
cat >"$dir/read.mjs" <<'END'
import fs from 'node:fs';
import Codeowners from 'codeowners';
import { matchFile, parse } from 'codeowners-utils';

const [folder, found, ...paths] = process.argv.slice(2);
const codeowners = new Codeowners(folder);
const lines = parse(fs.readFileSync(`${folder}/CODEOWNERS`, 'utf8'));
const byPython = fs.readFileSync(found, 'utf8').split('\n');
paths.forEach((path, i) => {
  const byNpm = codeowners.getOwner(path).join(' ') || 'nobody';
  const byUtils = matchFile(path, lines).owners.join(' ') || 'nobody';
  console.log(`${path}: codeowners ${byNpm}, codeowners-utils ${byUtils}, PyPI's ${byPython[i]}`);
});
END
set -- docs/index.md docs/api/index.md src/main.js apps/main.py apps/github/main.py
"$dir/bin/python" "$dir/read.py" "$dir/repository/CODEOWNERS" "$@" >"$dir/found"
node "$dir/read.mjs" "$dir/repository" "$dir/found" "$@" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
