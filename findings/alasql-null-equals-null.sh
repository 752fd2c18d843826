#!/bin/sh
# Library: alasql 4.19.1 (npm)
# Summary: NULL is equal to NULL in its joins, so a host without an owner is owned by who has no name; a sum of nothing
#   is 0, and each row is the first of its ROW_NUMBER.
# Guess: NULL = NULL is no match in joins, NOT IN with NULL is empty, and a sum of none is NULL.
# Behavior: a join compares values as JavaScript does, and takes a row by NULL as by any key. NOT (x = 'y') keeps
#   rows whose x is NULL, and <> leaves them out. ROW_NUMBER takes rows as they come and begins again at each change.
# Output:
#     SELECT h.host, p.team FROM ? h JOIN ? p ON h.owner = p.owner
#       {"host":"web","team":"a"}
#       {"host":"db","team":"b"}
#       {"host":"ns","team":"b"}
#     SELECT host FROM ? WHERE owner <> 'ann'
#     SELECT host FROM ? WHERE NOT (owner = 'ann')
#       {"host":"db"}
#       {"host":"ns"}
#     SELECT host FROM ? WHERE owner NOT IN (SELECT owner FROM ?)
#       {"host":"web"}
#     SELECT SUM(day) AS days FROM ? WHERE id = 9
#       {"days":0}
#     SELECT id, day, ROW_NUMBER() OVER (PARTITION BY id ORDER BY day DESC) AS n FROM ?
#       {"id":1,"day":1,"n":1}
#       {"id":2,"day":2,"n":1}
#       {"id":1,"day":3,"n":1}
# Why it matters: rows without a key find each other, so counts after a join are too high, and "the latest row of each
#   finding" by ROW_NUMBER are all rows. Nothing is refused. Filter NULL before a join, and group with MAX.
set -eu
packages="alasql@4.19.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/query.cjs" <<'END'
const alasql = require('alasql');

const hosts = [{ host: 'web', owner: 'ann' }, { host: 'db', owner: null }, { host: 'ns', owner: null }];
const people = [{ owner: 'ann', team: 'a' }, { owner: null, team: 'b' }, { team: 'c' }];
const reads = [{ id: 1, day: 1 }, { id: 2, day: 2 }, { id: 1, day: 3 }];
for (const [query, ...tables] of [
  ['SELECT h.host, p.team FROM ? h JOIN ? p ON h.owner = p.owner', hosts, people],
  ["SELECT host FROM ? WHERE owner <> 'ann'", hosts],
  ["SELECT host FROM ? WHERE NOT (owner = 'ann')", hosts],
  ['SELECT host FROM ? WHERE owner NOT IN (SELECT owner FROM ?)', hosts, [{ owner: 'bob' }, { owner: null }]],
  ['SELECT SUM(day) AS days FROM ? WHERE id = 9', reads],
  ['SELECT id, day, ROW_NUMBER() OVER (PARTITION BY id ORDER BY day DESC) AS n FROM ?', reads],
]) {
  console.log(query);
  for (const row of alasql(query, tables)) console.log(`  ${JSON.stringify(row)}`);
}
END
NODE_PATH="$dir/node_modules" node "$dir/query.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
