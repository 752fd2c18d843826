#!/bin/sh
# Library: protobuf 7.36.2 (PyPI), Google's own, its FieldMask
# Summary: To merge the field `oneofs` of a message into another by a mask adds its values to those that are there, and
#   a message that is empty in the source stays as it was, while a text that is empty is emptied.
# Guess: a repeated field in the mask is replaced by the source's, and a field in the mask that the source does not have
#   is cleared in the destination.
# Behavior: neither by default: repeated fields are appended and messages are merged. `replace_repeated_field` and
#   `replace_message_field` do what an update of Google's APIs does with the same mask. Scalars are replaced.
# Output:
#     with what is there: ['a', 'b', 'a', 'b'], 'f', 'e'
#     with what is there, replaced: ['a', 'b'], 'f', 'e'
#     with one less: ['a', 'b', 'a'], 'f', 'e'
#     with one less, replaced: ['a'], 'f', 'e'
#     with nothing: ['a', 'b'], 'f', ''
#     with nothing, replaced: [], '', ''
# Why it matters: a fake server or a cache that applies updates so has tags that were removed, and each tag twice after
#   an update that changed nothing. Google's APIs read a mask as replacement. Set both.
set -eu
packages="protobuf==7.36.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.source_context_pb2 import SourceContext
from google.protobuf.type_pb2 import Type

mask = FieldMask(paths=["oneofs", "source_context", "edition"])
for title, source in {
    "with what is there": Type(oneofs=["a", "b"], source_context=SourceContext(file_name="f"), edition="e"),
    "with one less": Type(oneofs=["a"], source_context=SourceContext(file_name="f"), edition="e"),
    "with nothing": Type(),
}.items():
    for settings in {}, {"replace_repeated_field": True, "replace_message_field": True}:
        target = Type(oneofs=["a", "b"], source_context=SourceContext(file_name="f"), edition="e")
        mask.MergeMessage(source, target, **settings)
        print(f"{title}{', replaced' if settings else ''}: {list(target.oneofs)}, "
              f"{target.source_context.file_name!r}, {target.edition!r}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
