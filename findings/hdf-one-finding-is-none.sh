#!/bin/sh
# Library: @mitre/hdf-converters 2.12.6 (npm), MITRE's own
# Summary: Of a host of a Nessus report with one finding it reads none, and of a ZAP report with two sites one
#   site.
# Guess: each finding of a report becomes a result, as many as there are.
# Behavior: where XML has one element, the control that it becomes has no id, impact or result. Of ZAP's sites it
#   takes the one with the most alerts, and says nothing of the others.
# Output:
#     Nessus, 2 hosts with 1 and 2 findings: 0 and 2 results
#     ZAP, 2 sites with 2 and 1 alerts: 2 results, all of a.example: true
# Why it matters: the host with a single critical finding is a host with none, and a scan of two sites is a report
#   on one. Count the results of a conversion.
set -eu
packages="@mitre/hdf-converters@2.12.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'EOF'
const { NessusResults, ZapMapper } = require('@mitre/hdf-converters');

const controls = (file) => file.profiles.flatMap((profile) => profile.controls);
const results = (file) => controls(file).flatMap((control) => control.results ?? []);

const item = (plugin) => `<ReportItem port="443" svc_name="www" protocol="tcp" severity="4" pluginID="${plugin}"
  pluginName="Weakness" pluginFamily="General"><description>d</description><risk_factor>Critical</risk_factor>
  <solution>s</solution><synopsis>s</synopsis><plugin_output>o</plugin_output></ReportItem>`;
const host = (name, ...plugins) => `<ReportHost name="${name}"><HostProperties>
  <tag name="HOST_START">Mon Nov  2 08:00:00 2026</tag><tag name="host-ip">${name}</tag></HostProperties>
  ${plugins.map(item).join('')}</ReportHost>`;
const nessus = new NessusResults(`<?xml version="1.0" ?><NessusClientData_v2><Policy><policyName>Basic</policyName>
  <Preferences><ServerPreferences><preference><name>TARGET</name><value>10.0.0.0/30</value></preference>
  </ServerPreferences></Preferences></Policy><Report name="scan">${host('10.0.0.1', '100001')}
  ${host('10.0.0.2', '100001', '100002')}</Report></NessusClientData_v2>`).toHdf();
const counts = nessus.map((file) => results(file).length).join(' and ');
console.log(`Nessus, 2 hosts with 1 and 2 findings: ${counts} results`);

const alert = (pluginid, uri) => ({
  pluginid, alertRef: pluginid, alert: 'Weakness', name: 'Weakness', riskcode: '3', confidence: '2',
  riskdesc: 'High (Medium)', desc: '<p>d</p>', instances: [{ uri, method: 'GET' }], count: '1',
  solution: '<p>s</p>', otherinfo: '', reference: '', cweid: '79', wascid: '8', sourceid: '1',
});
const site = (name, ...ids) => ({
  '@name': `https://${name}`, '@host': name, '@port': '443', '@ssl': 'true',
  alerts: ids.map((id) => alert(id, `https://${name}/`)),
});
const zap = new ZapMapper(JSON.stringify({
  '@version': '2.17.0', '@generated': 'Mon, 2 Nov 2026 08:00:00',
  site: [site('a.example', '40012', '40018'), site('b.example', '90019')],
})).toHdf();
const ofA = results(zap).every((result) => result.code_desc.includes('https://a.example/'));
console.log(`ZAP, 2 sites with 2 and 1 alerts: ${results(zap).length} results, all of a.example: ${ofA}`);
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
