#!/bin/sh
# Library: data-forge 1.10.5, data frames of JavaScript (npm)
# Summary: Grouping and joining take null for the text "null" and 1 for "1", and by two columns ("a", "b,c") for ("a,b",
#   "c").
# Guess: to group or join by two columns never puts ("a", "b,c") and ("a,b", "c") together, and null is no key that
#   matches in joins.
# Behavior: keys are those of a JavaScript object, which are text. A key that is a list becomes its elements with commas
#   between them.
# Output:
#     hosts null, "null", 1, "1": 2 of null, 2 of 1
#     targets ["a","b,c"], ["a,b","c"]: 2 of ["a","b,c"]
#     owners of "null" ann, of "1" bob: null ann, "null" ann, 1 bob, "1" bob
# Why it matters: a host without a name gets the owner of another one, and two targets with commas in their names are
#   one. Make the key of a group with `JSON.stringify`, and leave out null before a join.
set -eu
packages="data-forge@1.10.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/group.cjs" <<'END'
const { DataFrame } = require('data-forge');

const text = (value) => JSON.stringify(value);
const groups = (rows, key) => {
  const counted = new DataFrame(rows).groupBy(key).select((group) => `${group.count()} of ${text(key(group.first()))}`);
  return counted.toArray().join(', ');
};
const hosts = [null, 'null', 1, '1'].map((host) => ({ host }));
console.log(`hosts ${hosts.map(({ host }) => text(host)).join(', ')}: ${groups(hosts, (row) => row.host)}`);
const targets = [['a', 'b,c'], ['a,b', 'c']].map((target) => ({ target }));
console.log(`targets ${targets.map(({ target }) => text(target)).join(', ')}: ${groups(targets, (row) => row.target)}`);
const owners = new DataFrame([{ host: 'null', owner: 'ann' }, { host: '1', owner: 'bob' }]);
const host = (row) => row.host;
const joined = new DataFrame(hosts).join(owners, host, host, (row, { owner }) => `${text(row.host)} ${owner}`);
console.log(`owners of "null" ann, of "1" bob: ${joined.toArray().join(', ')}`);
END
NODE_PATH="$dir/node_modules" node "$dir/group.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
