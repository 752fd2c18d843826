#!/bin/sh
# Library: pg-mem 3.0.14 beside @electric-sql/pglite 0.5.16, which is PostgreSQL itself (npm)
# Summary: In the stand-in that tests use for PostgreSQL, `count(*) FILTER (WHERE ...)` counts all rows, NOT IN keeps
#   NULL, `greatest(1, NULL)` is NULL and NUMERIC(3,1) does not round.
# Guess: both give the same for counts, averages, NOT IN with NULL, rounding to NUMERIC(3,1), and weeks.
# Behavior: what it knows it reads, and some of what it reads it does not do. Much else it refuses: window functions,
#   IS DISTINCT FROM. A week of EXTRACT is another on a Sunday.
# Output:
#     SELECT count(*) FILTER (WHERE severity = 'high') AS n FROM findings: pg-mem 3, PostgreSQL 1
#     SELECT count(*) AS n FROM findings WHERE severity NOT IN ('high'): pg-mem 2, PostgreSQL 1
#     SELECT count(*) AS n FROM findings WHERE severity <> 'high': pg-mem 1, PostgreSQL 1
#     SELECT greatest(1, NULL) AS n: pg-mem null, PostgreSQL 1
#     SELECT max(score)::TEXT AS n FROM findings: pg-mem 9.96, PostgreSQL 10.0
#     SELECT extract(week FROM seen)::INT AS n FROM findings WHERE id = 2: pg-mem 49, PostgreSQL 48
# Why it matters: a query of open findings by severity passes its test with the numbers of all findings, or a test
#   that expects them is written so. Test with PostgreSQL.
set -eu
packages="pg-mem@3.0.14 @electric-sql/pglite@0.5.16"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/query.mjs" <<'END'
import { PGlite } from '@electric-sql/pglite';
import { newDb } from 'pg-mem';

const memory = newDb().public;
const postgres = new PGlite();
const tables = `
  CREATE TABLE findings (id INT PRIMARY KEY, severity TEXT, score NUMERIC(3, 1), seen TIMESTAMPTZ);
  INSERT INTO findings VALUES (1, 'high', 7.25, '2026-11-30T10:00:00Z'), (2, NULL, 9.96, '2026-11-29T10:00:00Z'),
    (3, 'low', 3.1, '2026-11-28T10:00:00Z');`;
memory.none(tables);
await postgres.exec(tables);
for (const query of [
  "SELECT count(*) FILTER (WHERE severity = 'high') AS n FROM findings",
  "SELECT count(*) AS n FROM findings WHERE severity NOT IN ('high')",
  "SELECT count(*) AS n FROM findings WHERE severity <> 'high'",
  'SELECT greatest(1, NULL) AS n',
  'SELECT max(score)::TEXT AS n FROM findings',
  'SELECT extract(week FROM seen)::INT AS n FROM findings WHERE id = 2',
]) {
  const [a, b] = [memory.many(query)[0].n, (await postgres.query(query)).rows[0].n];
  console.log(`${query}: pg-mem ${a}, PostgreSQL ${b}`);
}
END
node "$dir/query.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
