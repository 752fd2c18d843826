#!/bin/sh
# Library: adaptivecards-templating 2.3.1 with adaptive-expressions 4.23.3 (npm), Microsoft's, of cards for Teams
# Summary: On a card `${critical / total * 100}` of 1 and 4 is 0, as two integers divide as integers, and a score that
#   is text is not above 7 in an `if`, whatever it is.
# Guess: critical / total * 100 of 1 and 4 is 25, a missing field is empty, and the text 9.8 is above 7 or an error.
# Behavior: a division is cut down if both numbers have no fraction, also 4.0, and -7 / 2 is -4. A comparison of text
#   with a number is an error that an `if` takes for false. 0 is true there. A field that is missing stands as its
#   name.
# Output:
#     ${critical / total * 100} is 0
#     ${critical * 100 / total} is 25
#     ${7 / 2.0} is 3
#     ${-7 / 2} is -4
#     ${score / 2} is 4.9
#     ${if(score > 7, 'urgent', 'later')} is urgent
#     ${if(text > 7, 'urgent', 'later')} is later
#     ${if(none, 'some', 'none')} is some
#     owner: ${owner} is owner: ${owner}
#     ${text > 7} is an error: 9.8 and 7 must be comparable.
# Why it matters: a share of critical findings, a mean per host or half of a deadline on a card is too low, without an
#   error, and right again as soon as one of the numbers has a fraction. Multiply first, or fill in what is computed.
set -eu
node_packages="adaptivecards-templating@2.3.1 adaptive-expressions@4.23.3"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/cards.mjs" <<'END'
import { Template } from 'adaptivecards-templating';

console.warn = () => {};
const $root = { critical: 1, total: 4, score: 9.8, text: '9.8', none: 0 };
const templates = [
  '${critical / total * 100}',
  '${critical * 100 / total}',
  '${7 / 2.0}',
  '${-7 / 2}',
  '${score / 2}',
  "${if(score > 7, 'urgent', 'later')}",
  "${if(text > 7, 'urgent', 'later')}",
  "${if(none, 'some', 'none')}",
  'owner: ${owner}',
];
for (const text of templates) {
  console.log(`${text} is ${new Template({ text }).expand({ $root }).text}`);
}
try {
  new Template({ text: '${text > 7}' }).expand({ $root });
} catch (error) {
  console.log(`\${text > 7} is an error: ${error.message}`);
}
END
node "$dir/cards.mjs" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
