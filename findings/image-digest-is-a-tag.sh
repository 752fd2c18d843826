#!/bin/sh
# Library: docker-parse-image 3.0.1 beside parse-docker-image-name 3.0.0 (npm) and docker-image-py 0.2.0 (PyPI)
# Summary: Of an image by its digest, the digest is the tag and a tag before it is the digest's beginning; an image two
#   folders deep is null, and localhost is a namespace of Docker Hub.
# Guess: localhost/app:1, registry:5000/a/b and a:1@sha256:... are read alike: registry, repository, tag, digest.
# Behavior: all after the name is the tag, so "1.2@sha256:..." is one. Of two parts the first is a registry if it has a
#   dot or a colon, of three it always is. More than three parts give null.
# Output:
#     ghcr.io/team/app@sha256:aa
#       docker-parse-image: ghcr.io | team/app | sha256:aa
#       parse-docker-image-name: ghcr.io | team/app | none | sha256:aa
#       docker-image-py: ghcr.io | team/app | none | sha256:aa
#     ghcr.io/team/app:1.2@sha256:aa
#       docker-parse-image: ghcr.io | team/app | 1.2@sha256:aa
#       parse-docker-image-name: ghcr.io | team/app | 1.2 | sha256:aa
#       docker-image-py: ghcr.io | team/app | 1.2 | sha256:aa
#     registry.example/a/b/c:1
#       docker-parse-image: null
#       parse-docker-image-name: registry.example | a/b/c | 1 | none
#       docker-image-py: registry.example | a/b/c | 1 | none
#     localhost/a/b:1
#       docker-parse-image: localhost | a/b | 1
#       parse-docker-image-name: localhost | a/b | 1 | none
#       docker-image-py: localhost | a/b | 1 | none
#     localhost/app:1
#       docker-parse-image: none | localhost/app | 1
#       parse-docker-image-name: localhost | app | 1 | none
#       docker-image-py: localhost | app | 1 | none
# Why it matters: findings of images that are deployed by digest, as they should be, are filed under a tag that no other
#   scan has. Images of GitLab's registry, whose groups may have groups, are not there.
set -eu
node_packages="docker-parse-image@3.0.1 parse-docker-image-name@3.0.0"
packages="docker-image-py==0.2.0"
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/read.py" <<'END'
import json
import sys

from docker_image.reference import Reference

for name in sys.argv[1:]:
    image = Reference.parse_normalized_named(name)
    print(json.dumps([*image.split_hostname(), image["tag"], image["digest"]]))
END
cat >"$dir/read.mjs" <<'END'
import fs from 'node:fs';
import parse from 'docker-parse-image';
import parseName from 'parse-docker-image-name';

const [found, ...images] = process.argv.slice(2);
const short = (text) => (text ? text.replace(/a{64}/, 'aa') : 'none');
const line = (parts) => parts.map(short).join(' | ');
const byPython = fs.readFileSync(found, 'utf8').split('\n');
images.forEach((image, i) => {
  const a = parse(image);
  const b = parseName(image);
  console.log(short(image));
  console.log('  docker-parse-image:', a && line([a.registry, `${a.namespace}/${a.repository}`, a.tag]));
  console.log('  parse-docker-image-name:', line([b.domain, b.path, b.tag, b.digest]));
  console.log('  docker-image-py:', line(JSON.parse(byPython[i])));
});
END
digest=sha256:$(printf 'a%.0s' $(seq 64))
image=ghcr.io/team/app
set -- "$image@$digest" "$image:1.2@$digest" registry.example/a/b/c:1 localhost/a/b:1 localhost/app:1
"$dir/bin/python" "$dir/read.py" "$@" >"$dir/found"
node "$dir/read.mjs" "$dir/found" "$@" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
