#!/bin/sh
# Library: @appthreat/cdx-proto 2.0.1 (npm), CycloneDX as protocol buffers
# Summary: A version that is "unaffected" comes back without a status, which is CycloneDX's word for affected, and
#   `dependsOn` does not come back.
# Guess: a valid CycloneDX 1.6 or 1.7 document that is encoded and decoded again has the same components, types,
#   severities and scores, and so the same statements on them.
# Behavior: without options it refuses both as unknown. With protobuf's `ignoreUnknownFields`, which reads documents
#   of a newer schema, it leaves them out. What JSON calls `unaffected`, it reads and writes as `not_affected`.
# Output:
#     1.6 unaffected: refused; ignoring unknown fields: no status
#     1.6 affected: affected; ignoring unknown fields: affected
#     1.6 not_affected: not_affected; ignoring unknown fields: not_affected
#     1.6 dependsOn: refused; ignoring unknown fields: {"ref":"web"}
#     1.7 unaffected: refused; ignoring unknown fields: no status
#     1.7 affected: affected; ignoring unknown fields: affected
#     1.7 not_affected: not_affected; ignoring unknown fields: not_affected
#     1.7 dependsOn: refused; ignoring unknown fields: {"ref":"web"}
# Why it matters: by the schema, a version without a status is affected, so what was cleared is open again, and the
#   graph of dependencies is a list. Compare a document with its copy before the first is thrown away.
set -eu
packages="@appthreat/cdx-proto@2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
cat >"$dir/read.mjs" <<'END'
import { encodeBomBinary, encodeBomJson, parseBomBinary, parseBomJson } from '@appthreat/cdx-proto';

const copy = (bom, options, show) => {
  let read;
  try {
    read = parseBomJson(bom, options);
  } catch {
    return 'refused';
  }
  return show(encodeBomJson(parseBomBinary(encodeBomBinary(read))));
};
const both = (bom, show) =>
  `${copy(bom, {}, show)}; ignoring unknown fields: ${copy(bom, { ignoreUnknownFields: true }, show)}`;

for (const specVersion of ['1.6', '1.7']) {
  const bom = { bomFormat: 'CycloneDX', specVersion, version: 1 };
  for (const status of ['unaffected', 'affected', 'not_affected']) {
    const affects = [{ ref: 'web', versions: [{ version: '1.0', status }] }];
    const vulnerabilities = [{ id: 'CVE-2026-0001', affects }];
    const show = (read) => read.vulnerabilities[0].affects[0].versions[0].status ?? 'no status';
    console.log(`${specVersion} ${status}: ${both({ ...bom, vulnerabilities }, show)}`);
  }
  const dependencies = [{ ref: 'web', dependsOn: ['lib'] }];
  const show = (read) => JSON.stringify(read.dependencies[0]);
  console.log(`${specVersion} dependsOn: ${both({ ...bom, dependencies }, show)}`);
}
END
node "$dir/read.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
