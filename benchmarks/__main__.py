"""Run the benchmark: `python -m benchmarks`, or some of it with `--only`.

A whole run writes `RESULTS.md`, its chart and the README's lines; `--only` prints what
it has measured instead. `--only limits` writes its section of `RESULTS.md`.
"""

import argparse
from collections.abc import Callable

from rich.console import Console

from benchmarks import footprint, jobs, reading, results
from local.processes import ROOT

SECTIONS = ("reading", "quota", "rows", "limits", "memory", "start", "bigquery")


def main() -> None:
    """Measure, and write or print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be given again")
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    sections = options.only or SECTIONS
    repetitions: int = options.repetitions
    measured = results.Measurements()
    console = Console(highlight=False)
    environment = results.machine()
    with console.status("Starting") as status:
        measure(sections, repetitions, measured, _shower(console, status.update))
    if sections == ["limits"]:
        file = ROOT / "benchmarks/RESULTS.md"
        section = results.limits_section(measured.limits, repetitions, environment)
        file.write_text(results.into_results(file.read_text(), section))
        console.print("Written: benchmarks/RESULTS.md")
        return
    text = results.document(measured, repetitions, environment)
    if options.only:
        console.out(text, highlight=False)
        return
    (ROOT / "benchmarks/RESULTS.md").write_text(text)
    (ROOT / "benchmarks/seconds.svg").write_text(results.chart(measured.runs))
    readme = ROOT / "README.md"
    readme.write_text(results.into_readme(readme.read_text(), results.in_short(measured)))
    console.print("Written: benchmarks/RESULTS.md, benchmarks/seconds.svg, README.md")


def measure(
    sections: tuple[str, ...],
    repetitions: int,
    found: results.Measurements,
    advance: Callable[[str], None],
) -> None:
    """Fill `found` with the named sections."""
    kinds = {"reading": reading.SCENARIOS[:2], "quota": reading.SCENARIOS[2:4],
             "rows": reading.SCENARIOS[4:]}  # fmt: skip
    if scenarios := [s for kind in kinds if kind in sections for s in kinds[kind]]:
        advance("the server's ceiling")
        found.ceiling = reading.ceiling(repetitions)
        found.runs = reading.measure(scenarios, repetitions, advance)
    if "limits" in sections:
        found.limits = reading.measure(reading.LIMITS, min(3, repetitions), advance)
    if "memory" in sections:
        found.memory = footprint.memory(repetitions, advance)
        found.memory_of_syncs = footprint.memory_of_syncs(advance)
    if "start" in sections:
        for module in ("main", "scanner_sync.sync"):
            advance(f"import {module}")
            found.imports[module] = footprint.imports(module, repetitions)
        found.cold = footprint.cold_starts(repetitions, advance)
    if "bigquery" in sections:
        found.syncs = jobs.measure(repetitions, advance)


def _shower(console: Console, update: Callable[[str], None]) -> Callable[[str], None]:
    """Shows what is being measured: in place on a terminal, else line by line."""
    return update if console.is_terminal else console.print


if __name__ == "__main__":
    main()
