"""The tables of variables and outputs that cog writes into `terraform/README.md`."""

import json
import re
from typing import Final

from local.markdown import table
from local.processes import ROOT

_MODULE: Final = ROOT / "terraform"


def blocks(file: str, kind: str) -> dict[str, str]:
    """Return the body of each `kind "name" { ... }` in a file of the module, by name."""
    text = (_MODULE / file).read_text()
    return dict(re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL))


def argument(block: str, name: str) -> str | None:
    """Return the one-line expression that a block gives to an argument, or None."""
    found = re.search(rf"^  {name} += (.*)$", block, re.MULTILINE)
    return found[1] if found else None


def description(block: str) -> str:
    """Return the description of a variable or an output."""
    text = argument(block, "description")
    if text is None:
        raise ValueError(f"add a description to this block: {block}")
    return str(json.loads(text))


def variables() -> str:
    """Return a table with the name, meaning and default of each variable."""

    def shown(default: str | None) -> str:
        return "required" if default is None else f"`{default}`"

    return table(
        ["name", "meaning", "default"],
        (
            [f"`{name}`", description(block), shown(argument(block, "default"))]
            for name, block in blocks("variables.tf", "variable").items()
        ),
    )


def outputs() -> str:
    """Return a table with the name and meaning of each output."""
    return table(
        ["name", "meaning"],
        (
            [f"`{name}`", description(block)]
            for name, block in blocks("outputs.tf", "output").items()
        ),
    )
