#!/bin/sh
# Library: csaf-vex 0.1.0b5 and csaf-lib 0.1.0b12 (PyPI)
# Summary: They read no product groups, so the reason why products are not affected comes back without its products.
# Guess: a document comes back with all that CSAF defines, or the reading tells what is left out.
# Behavior: `product_groups`, every `group_ids`, `full_product_names`, and four of the eight product statuses,
#   `recommended` among them, are dropped without a word.
# Output:
#     csaf_vex.models
#       product tree: full_product_names product_groups -> nothing
#       product status: fixed known_not_affected recommended -> fixed known_not_affected
#       flags: label group_ids -> label
#       threats: category details group_ids -> details category
#     csaf_lib.models
#       product tree: full_product_names product_groups -> nothing
#       product status: fixed known_not_affected recommended -> fixed known_not_affected
#       flags: label group_ids -> label
#       threats: category details group_ids -> details category
# Why it matters: vendors name products by groups where there are many. A document that is read, filtered and written
#   no longer says for whom a flag, an impact or a fix holds, and what refers to the products finds none. Work on the
#   JSON.
set -eu
packages="csaf-vex==0.1.0b5 csaf-lib==0.1.0b12"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import copy

import csaf_lib.models
import csaf_vex.models

TIME = "2026-11-30T00:00:00+00:00"
products = [{"product_id": name, "name": name} for name in ("web-1", "web-2", "web-3")]
document = {
    "document": {
        "category": "csaf_vex", "csaf_version": "2.0", "title": "Example",
        "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.com"},
        "tracking": {
            "id": "EX-1", "status": "final", "version": "1", "initial_release_date": TIME,
            "current_release_date": TIME, "revision_history": [{"date": TIME, "number": "1", "summary": "first"}],
        },
    },
    "product_tree": {
        "full_product_names": products,
        "product_groups": [{"group_id": "old", "product_ids": ["web-1", "web-2"]}],
    },
    "vulnerabilities": [{
        "cve": "CVE-2026-0001", "notes": [{"category": "description", "text": "Example"}],
        "product_status": {"known_not_affected": ["web-1", "web-2"], "fixed": ["web-3"], "recommended": ["web-3"]},
        "flags": [{"label": "component_not_present", "group_ids": ["old"]}],
        "threats": [{"category": "impact", "details": "Not built in", "group_ids": ["old"]}],
    }],
}
[before] = document["vulnerabilities"]
for models in (csaf_vex.models, csaf_lib.models):
    read = models.CSAFVEX.from_dict(copy.deepcopy(document)).to_dict()
    [after] = read["vulnerabilities"]
    print(models.__name__)
    print("  product tree:", *document["product_tree"], "->", *read.get("product_tree") or ["nothing"])
    print("  product status:", *sorted(before["product_status"]), "->", *sorted(after["product_status"]))
    for field in ("flags", "threats"):
        print(f"  {field}:", *before[field][0], "->", *sorted(after[field][0], reverse=True))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
