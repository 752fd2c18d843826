#!/bin/sh
# Library: spdx-correct 3.2.0 (npm)
# Summary: "GPL version 2 only" is corrected to GPL-3.0-or-later, the Business Source License to Boost's, "EUPL" to
#   UPL-1.0, and npm's word for no license, UNLICENSED, to one that gives all rights away.
# Guess: "GPLv2", "GPL-2.0" and "GPL version 2 only" are GPL-2.0-only or null, "Apache 1.1" is Apache-1.1, "BSD" is
#   null or BSD-3-Clause, and "not MIT" is null.
# Behavior: text that no rule knows is searched for a name: GPL is then the newest, "only" or not, and BSL is Boost's.
#   What it could not read is not told. "Apache License, Version 1.1" is 2.0, and "Apache 1.1" is 1.1.
# Output:
#     GPLv2: GPL-2.0-only
#     GPL-2.0: GPL-2.0-only
#     GPL version 2 only: GPL-3.0-or-later
#     GNU GPL v2 only: GPL-3.0-or-later
#     GPL-3.0: GPL-3.0-or-later
#     Apache 1.1: Apache-1.1
#     Apache License, Version 1.1: Apache-2.0
#     BSD: BSD-2-Clause
#     not MIT: MIT
#     MIT License (non-commercial): MIT
#     MIT + Commons Clause: MIT
#     UNLICENSED: Unlicense
#     BSL 1.1: BSL-1.0
#     BUSL: BUSL-1.1
#     EUPL: UPL-1.0
#     Proprietary: null
# Why it matters: reports of licenses pass through it what packages declare, and a report then has valid identifiers
#   with other duties, or none: a package that nobody may use is free for all. Take it for a proposal to a person, and
#   keep the text beside it.
set -eu
packages="spdx-correct@3.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/correct.cjs" <<'END'
const correct = require('spdx-correct');

const texts = [
  'GPLv2', 'GPL-2.0', 'GPL version 2 only', 'GNU GPL v2 only', 'GPL-3.0', 'Apache 1.1', 'Apache License, Version 1.1',
  'BSD', 'not MIT', 'MIT License (non-commercial)', 'MIT + Commons Clause', 'UNLICENSED', 'BSL 1.1', 'BUSL', 'EUPL',
  'Proprietary',
];
for (const text of texts) console.log(`${text}: ${correct(text)}`);
END
NODE_PATH="$dir/node_modules" node "$dir/correct.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
