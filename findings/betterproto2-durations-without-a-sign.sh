#!/bin/sh
# Library: betterproto2 0.10.0 beside protobuf 7.36.2 (PyPI), of the JSON of protocol buffers
# Summary: Half a second before is written as half a second after, a microsecond before as 0.999999 seconds after, and
#   a 64-bit id in a wrapper as a number in place of text.
# Guess: both write the same JSON of one message, with int64 as text, negative durations and nanoseconds, and read
#   each other's.
# Behavior: of a duration that is negative and shorter than a second the sign is lost, and one that is negative is not
#   read. Nanoseconds are cut off in both directions. An Int64Value is a number, and one that is read from text cannot
#   be written.
# Output:
#     a second before: protobuf {'after': '-1s'}, betterproto2 {'after': '-1s'}
#     half a second before: protobuf {'after': '-0.500s'}, betterproto2 {'after': '0.500s'}
#     a microsecond before: protobuf {'after': '-0.000001s'}, betterproto2 {'after': '0.999999s'}
#     a nanosecond after: protobuf {'after': '0.000000001s'}, betterproto2 {'after': '0s'}
#     half a second after: protobuf {'after': '0.500s'}, betterproto2 {'after': '0.500s'}
#     protobuf {'issue': '9007199254740993', 'id': '9007199254740993'}
#     betterproto2 {'issue': 9007199254740993, 'id': '9007199254740993'}
#     {"after": "-1s"}: ValueError
#     {"issue": "9007199254740993"}: TypeError
#     {"after": "1s"} is read and written: 4 bytes
# Why it matters: the time from one event to another is negative whenever two clocks differ by a little, and is then
#   counted as positive. An id beyond 53 bits that is a number loses its last digits in a browser.
set -eu
packages="betterproto2==0.10.0 betterproto2-compiler==0.10.1 grpcio-tools==1.85.1 protobuf==7.36.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
mkdir "$dir/proto" "$dir/proto/better"
cat >"$dir/proto/read.proto" <<'END'
syntax = "proto3";
package read;
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
message Read {
  google.protobuf.Duration after = 1;
  google.protobuf.Int64Value issue = 2;
  int64 id = 3;
}
END
PATH="$dir/bin:$PATH" "$dir/bin/python" -m grpc_tools.protoc -I"$dir/proto" --python_out="$dir/proto" \
    --python_betterproto2_out="$dir/proto/better" "$dir/proto/read.proto" >"$dir/log" 2>&1
PYTHONPATH="$dir/proto" "$dir/bin/python" - >"$dir/output" <<'END'
import json

import better.read
import read_pb2
from google.protobuf import json_format

for name, seconds, nanos in (
    ("a second before", -1, 0), ("half a second before", 0, -500_000_000), ("a microsecond before", 0, -1000),
    ("a nanosecond after", 0, 1), ("half a second after", 0, 500_000_000),
):
    message = read_pb2.Read(after={"seconds": seconds, "nanos": nanos})
    theirs = json.loads(better.read.Read.parse(message.SerializeToString()).to_json())
    print(f"{name}: protobuf {json_format.MessageToDict(message)}, betterproto2 {theirs}")
message = read_pb2.Read(issue={"value": 9007199254740993}, id=9007199254740993)
print("protobuf", json_format.MessageToDict(message))
print("betterproto2", json.loads(better.read.Read.parse(message.SerializeToString()).to_json()))
for text in '{"after": "-1s"}', '{"issue": "9007199254740993"}', '{"after": "1s"}':
    try:
        print(f"{text} is read and written: {len(bytes(better.read.Read.from_json(text)))} bytes")
    except (ValueError, TypeError) as error:
        print(f"{text}: {type(error).__name__}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
