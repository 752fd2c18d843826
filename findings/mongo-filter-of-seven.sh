#!/bin/sh
# Library: mingo 7.2.6, sift 17.1.4, @seald-io/nedb 4.1.2 and lokijs 1.5.12 (npm), mongomock 4.3.0, mongoquery 1.4.3 and
#   montydb 2.5.6 (PyPI), which read MongoDB's filters
# Summary: `{"tags": {"$ne": "web"}}` finds what has the tag by nedb, lokijs and mongoquery, and by nedb not what has an
#   empty list of tags; a missing score is below 7 by lokijs, and is not null by three of the seven.
# Guess: one MongoDB filter finds the same documents: `$lt` of a null or missing score, `$ne` of lists, `$not`, and null
#   for what is missing.
# Behavior: mingo, sift, montydb and mongomock find what MongoDB's manual says. lokijs orders null and what is missing
#   below numbers and takes a list for one value; nedb asks whether one element of a list differs; nedb, lokijs and
#   mongoquery tell what is missing from null; nedb and mongoquery want one element of a list to be within both ends of
#   a range, where MongoDB takes one for each.
# Output:
#     {"score": {"$lt": 7}}:
#       2: mingo, sift, nedb, montydb, mongomock, mongoquery
#       2345: lokijs
#     {"score": null}:
#       345: mingo, sift, montydb, mongomock
#       3: nedb, lokijs, mongoquery
#     {"score": {"$ne": null}}:
#       12: mingo, sift, montydb, mongomock
#       1245: nedb, lokijs, mongoquery
#     {"score": {"$not": {"$lt": 7}}}:
#       1345: mingo, sift, montydb, mongomock, mongoquery
#       an error: nedb
#       1: lokijs
#     {"tags": "web"}:
#       1: mingo, sift, nedb, montydb, mongomock, mongoquery
#       none: lokijs
#     {"tags": {"$ne": "web"}}:
#       2345: mingo, sift, montydb, mongomock
#       1245: nedb
#       12345: lokijs, mongoquery
#     {"scores": {"$gt": 3, "$lt": 8}}:
#       5: mingo, sift, lokijs, montydb, mongomock
#       none: nedb, mongoquery
# Why it matters: such filters are written for a database and tried with a stand-in, or run in the browser: "all but
#   web" and "without a score" are who is told, and who is not. Ask for `$exists`, and for ranges in lists by
#   `$elemMatch`, and try with a real server.
set -eu
packages="mongomock==4.3.0 mongoquery==1.4.3 montydb==2.5.6"
node_packages="mingo@7.2.6 sift@17.1.4 @seald-io/nedb@4.1.2 lokijs@1.5.12"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/data.json" <<'END'
{
  "documents": [
    {"n": 1, "score": 9.8, "tags": ["web", "prod"]},
    {"n": 2, "score": 5, "tags": ["prod"]},
    {"n": 3, "score": null, "tags": []},
    {"n": 4},
    {"n": 5, "scores": [9, 2]}
  ],
  "filters": [
    {"score": {"$lt": 7}},
    {"score": null},
    {"score": {"$ne": null}},
    {"score": {"$not": {"$lt": 7}}},
    {"tags": "web"},
    {"tags": {"$ne": "web"}},
    {"scores": {"$gt": 3, "$lt": 8}}
  ]
}
END
cat >"$dir/find.mjs" <<'END'
import fs from 'node:fs';
import Nedb from '@seald-io/nedb';
import Loki from 'lokijs';
import { Query } from 'mingo';
import sift from 'sift';

const { documents, filters } = JSON.parse(fs.readFileSync(process.argv[2]));
const copies = () => structuredClone(documents);
const libraries = {
  mingo: (filter) => new Query(filter).find(documents).all(),
  sift: (filter) => documents.filter(sift(filter)),
  nedb: async (filter) => {
    const nedb = new Nedb();
    await nedb.insertAsync(copies());
    return nedb.findAsync(filter);
  },
  lokijs: (filter) => {
    const collection = new Loki('findings').addCollection('findings');
    collection.insert(copies());
    return collection.find(filter);
  },
};
const found = [];
for (const filter of filters) {
  const by = {};
  for (const [name, find] of Object.entries(libraries)) {
    try {
      by[name] = (await find(filter)).map(({ n }) => n).sort().join('') || 'none';
    } catch {
      by[name] = 'an error';
    }
  }
  found.push(by);
}
console.log(JSON.stringify(found));
END
cat >"$dir/find.py" <<'END'
import copy
import json
import sys

import mongomock
import montydb
from mongoquery import Query

[_, data, found] = sys.argv
data, found = json.load(open(data)), json.load(open(found))


def stored(client):
    collection = client.scanner.findings
    collection.insert_many(copy.deepcopy(data["documents"]))
    return collection


by_mongomock, by_montydb = stored(mongomock.MongoClient()), stored(montydb.MontyClient(":memory:"))
for mongo_filter, by in zip(data["filters"], found):
    for name, rows in {
        "montydb": by_montydb.find(mongo_filter),
        "mongomock": by_mongomock.find(mongo_filter),
        "mongoquery": [row for row in data["documents"] if Query(mongo_filter).match(row)],
    }.items():
        by[name] = "".join(sorted(str(row["n"]) for row in rows)) or "none"
    answers = {}
    for name, numbers in by.items():
        answers.setdefault(numbers, []).append(name)
    print(f"{json.dumps(mongo_filter)}:")
    for numbers, names in answers.items():
        print(f"  {numbers}: {', '.join(names)}")
END
node "$dir/find.mjs" "$dir/data.json" >"$dir/found.json"
"$dir/bin/python" "$dir/find.py" "$dir/data.json" "$dir/found.json" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
