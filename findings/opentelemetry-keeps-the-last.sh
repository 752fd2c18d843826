#!/bin/sh
# Library: opentelemetry-sdk 1.45.2 (PyPI)
# Summary: A span of more than 128 attributes or events loses the first of them, not those that came too late.
# Guess: what comes after the limit is dropped, as OpenTelemetry's specification says of attributes, so what was
#   known at the start stays.
# Behavior: each new attribute or event pushes out the oldest; an attribute that is set again is the newest. A
#   warning is logged for attributes, for events none. The span says how many were dropped, and not which.
# Output:
#     account is set once
#       attributes: 128, pages.73 to pages.200; dropped 73
#       account: None
#       events: 128, page 73 was read to page 200 was read; dropped 72
#     account is set again after 100
#       attributes: 128, pages.74 to pages.200; dropped 73
#       account: example
#       events: 128, page 73 was read to page 200 was read; dropped 72
# Why it matters: the account, the mode and the beginning of a long sync are the first to be lost, and traces cannot
#   be found by account any more. Set what a search needs once more at the end, or raise
#   `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` and `OTEL_SPAN_EVENT_COUNT_LIMIT`.
set -eu
packages="opentelemetry-sdk==1.45.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import logging

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

logging.disable()
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
for again in (False, True):
    with provider.get_tracer("sync").start_as_current_span("sync", attributes={"account": "example"}) as span:
        for number in range(1, 201):
            span.set_attribute(f"pages.{number}", number)
            span.add_event(f"page {number} was read")
            if again and number == 100:
                span.set_attribute("account", "example")
for name, span in zip(("account is set once", "account is set again after 100"), exporter.get_finished_spans()):
    attributes = list(span.attributes)
    print(name)
    print(f"  attributes: {len(attributes)}, {attributes[0]} to {attributes[-1]}; dropped {span.dropped_attributes}")
    print(f"  account: {span.attributes.get('account')}")
    print(f"  events: {len(span.events)}, {span.events[0].name} to {span.events[-1].name}; dropped {span.dropped_events}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
