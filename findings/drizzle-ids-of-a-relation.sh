#!/bin/sh
# Library: drizzle-orm 0.45.4 with @electric-sql/pglite 0.5.17, a PostgreSQL (npm)
# Summary: A column of bigint({ mode: 'bigint' }) is exact in a query of its table and one off in the same table read
#   as a relation (`with`); both are a BigInt, and numeric 7.50 is 7.5.
# Guess: a row read directly and as a relation has the same values: bigint, numeric, timestamp with microseconds.
# Behavior: a relation is aggregated to JSON by the database and parsed as JavaScript's numbers, and made a BigInt after
#   that. Times as text have another spelling, with a T and :00. Dates, and numbers below 2^53, are equal.
# Output:
#     id: 9007199254740993n; as a relation 9007199254740992n
#     total: 9007199254740993n; as a relation 9007199254740992n
#     cost: "7.50"; as a relation "7.5"
#     seen: "2026-11-10 08:30:00.123456+00"; as a relation "2026-11-10T08:30:00.123456+00:00"
#     updated: 2026-11-10T08:30:00.123Z; as a relation 2026-11-10T08:30:00.123Z
#     port: 8443; as a relation 8443
# Why it matters: an id taken from a host's findings finds no finding, or another one, and nothing says so, as the type
#   is the exact one. Select ids beyond 53 bits from their own table, or add them as text.
set -eu
node_packages="drizzle-orm@0.45.4 @electric-sql/pglite@0.5.17"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/read.mjs" <<'END'
import { PGlite } from '@electric-sql/pglite';
import { relations } from 'drizzle-orm';
import { bigint, integer, numeric, pgTable, timestamp } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';

const hosts = pgTable('hosts', { number: integer('number').primaryKey() });
const findings = pgTable('findings', {
  id: bigint('id', { mode: 'bigint' }).primaryKey(),
  total: numeric('total', { mode: 'bigint' }),
  cost: numeric('cost', { precision: 10, scale: 2 }),
  seen: timestamp('seen', { mode: 'string', withTimezone: true }),
  updated: timestamp('updated', { withTimezone: true }),
  port: integer('port'),
  host: integer('host'),
});
const ofHosts = relations(hosts, ({ many }) => ({ findings: many(findings) }));
const ofFindings = relations(findings, ({ one }) => ({
  its: one(hosts, { fields: [findings.host], references: [hosts.number] }),
}));

const database = new PGlite();
await database.exec(`
  SET timezone = 'UTC';
  CREATE TABLE hosts (number integer PRIMARY KEY);
  CREATE TABLE findings (id bigint PRIMARY KEY, total numeric, cost numeric(10, 2), seen timestamptz,
    updated timestamptz, port integer, host integer);
  INSERT INTO hosts VALUES (1);
  INSERT INTO findings VALUES (9007199254740993, 9007199254740993, 7.50, '2026-11-10 08:30:00.123456Z',
    '2026-11-10 08:30:00.123456Z', 8443, 1);
`);
const { query } = drizzle(database, { schema: { hosts, findings, ofHosts, ofFindings } });
const [direct] = await query.findings.findMany();
const [host] = await query.hosts.findMany({ with: { findings: true } });
const show = (value) => {
  if (typeof value === 'bigint') return `${value}n`;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
};
for (const name of ['id', 'total', 'cost', 'seen', 'updated', 'port']) {
  console.log(`${name}: ${show(direct[name])}; as a relation ${show(host.findings[0][name])}`);
}
await database.close();
END
node "$dir/read.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
