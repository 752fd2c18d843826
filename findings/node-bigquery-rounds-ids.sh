#!/bin/sh
# Library: @google-cloud/bigquery 9.3.0 (npm), Google's own, with a local server that answers as BigQuery's API
# Summary: An INT64 beyond 53 bits in a query's result is another number, without an error; of the parameter [7, 7.5]
#   the type is an array of INT64, and NaN is sent as null.
# Guess: an INT64 of 9007199254740993 is an error, a BigInt or text; NUMERIC keeps its digits and TIMESTAMP its
#   microseconds; the parameter [7, 7.5] is an array of FLOAT64.
# Behavior: the API gives integers as text, and the client makes a JavaScript number of each, alone or in a list. With
#   `wrapIntegers` it keeps the text. NUMERIC and TIMESTAMP are as guessed. The type of a list is that of its first
#   element.
# Output:
#     wrapIntegers false: 9007199254740992, 9007199254740992; 0.123456789, 2026-11-10T12:00:00.123456000Z
#     wrapIntegers true: 9007199254740993, 9007199254740993; 0.123456789, 2026-11-10T12:00:00.123456000Z
#     parameter 7.5,7: ARRAY FLOAT64 {"arrayValues":[{"value":7.5},{"value":7}]}
#     parameter 7,7.5: ARRAY INT64 {"arrayValues":[{"value":7},{"value":7.5}]}
#     parameter NaN: FLOAT64  {"value":null}
# Why it matters: ids that are hashes have 64 bits, so two findings get one id, or one that a query for it does not
#   find; and scores that are asked for are declared as integers if the first of them is whole. Set `wrapIntegers: true`
#   and `types`.
set -eu
packages="@google-cloud/bigquery@9.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/query.cjs" <<'END'
const http = require('http');
const { BigQuery } = require('@google-cloud/bigquery');

const fields = [
  { name: 'id', type: 'INTEGER' },
  { name: 'ids', type: 'INTEGER', mode: 'REPEATED' },
  { name: 'score', type: 'NUMERIC' },
  { name: 'seen', type: 'TIMESTAMP' },
];
const id = { v: '9007199254740993' };
const row = { f: [id, { v: [id] }, { v: '0.123456789' }, { v: '1794312000123456' }] };
const asked = [];
const server = http.createServer(async (request, response) => {
  const parts = await request.toArray();
  asked.push(JSON.parse(Buffer.concat(parts)));
  const jobReference = { projectId: 'project', jobId: 'job' };
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ jobComplete: true, jobReference, schema: { fields }, rows: [row], totalRows: '1' }));
});
server.listen(0, '127.0.0.1', async () => {
  const authClient = { request: (options) => fetch(options.url, options), getRequestHeaders: async () => ({}) };
  const apiEndpoint = `http://127.0.0.1:${server.address().port}`;
  const bigquery = new BigQuery({ projectId: 'project', apiEndpoint, authClient });
  const query = 'SELECT id, ids, score, seen FROM findings';
  for (const wrapIntegers of [false, true]) {
    const [[found]] = await bigquery.query({ query, wrapIntegers });
    const { id, ids, score, seen } = found;
    const integers = [id, ...ids].map((integer) => integer.value ?? integer);
    console.log(`wrapIntegers ${wrapIntegers}: ${integers.join(', ')}; ${score}, ${seen.value}`);
  }
  for (const value of [[7.5, 7], [7, 7.5], NaN]) {
    await bigquery.query({ query, params: [value] });
    const [{ parameterType, parameterValue }] = asked.at(-1).queryParameters;
    const { type, arrayType } = parameterType;
    console.log(`parameter ${value}: ${type} ${arrayType?.type ?? ''} ${JSON.stringify(parameterValue)}`);
  }
  server.close();
});
END
NODE_PATH="$dir/node_modules" node "$dir/query.cjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
