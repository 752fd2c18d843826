"""Run the benchmark: `python -m benchmarks`, or parts of it with `--only`.

A complete run writes `RESULTS.md` and its chart. `--only limits`, `--only shapes`, `--only quota`,
`--only quiet`, `--only accounts`, `--only findings` and `--only bigquery` write their sections of
`RESULTS.md`. Other parts are printed.
"""

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console

from benchmarks import findings, footprint, jobs, many, quiet, quota, reading, results
from local.processes import ROOT

SECTIONS = (
    "reading",
    "work",
    "limits",
    "shapes",
    "quota",
    "quiet",
    "accounts",
    "memory",
    "start",
    "findings",
    "bigquery",
)


def main() -> None:
    """Measure, and write or print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be repeated")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--accounts", type=int, default=many.ACCOUNTS, help="synced at once")
    options = parser.parse_args()
    sections = options.only or SECTIONS
    repetitions: int = options.repetitions
    measured = results.Measurements()
    console = Console(highlight=False)
    environment = results.machine()
    with console.status("Starting") as status:
        advance = status.update if console.is_terminal else console.print
        measure(sections, repetitions, options.accounts, measured, advance)
    file = ROOT / "benchmarks/RESULTS.md"
    if sections == ["limits"]:
        section = results.limits_section(measured.limits, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif sections == ["shapes"]:
        section = results.shapes_section(measured.shapes, repetitions, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif sections == ["quota"]:
        assert measured.under_quota
        section = results.quota_section(measured.under_quota, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif sections == ["quiet"]:
        assert measured.when_quiet
        section = results.quiet_section(measured.when_quiet, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif sections == ["accounts"]:
        assert measured.accounts
        section = results.accounts_section(measured.accounts, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif sections == ["findings"]:
        section = results.findings_section(measured.beside_earlier, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif sections == ["bigquery"]:
        section = results.jobs_section(measured.syncs, environment)
        file.write_text(results.replace_section(file.read_text(), section))
    elif options.only:
        console.out(results.document(measured, repetitions, environment), highlight=False)
        return
    else:
        file.write_text(results.document(measured, repetitions, environment))
        (ROOT / "benchmarks/seconds.svg").write_text(results.chart(measured.runs))
    console.print(f"Written: {file.relative_to(ROOT)}")


def measure(
    sections: Sequence[str],
    repetitions: int,
    accounts: int,
    found: results.Measurements,
    advance: Callable[[str], None],
) -> None:
    """Fill `found` with the named sections. `advance` is told what is measured next."""
    if "reading" in sections:
        advance("the server's ceiling")
        found.ceiling = reading.ceiling(repetitions)
        found.runs = reading.measure(reading.SCENARIOS, repetitions, advance)
    if "work" in sections:
        found.work = reading.measure(reading.WORK, repetitions, advance)
    if "limits" in sections:
        found.limits = reading.measure(reading.LIMITS, min(3, repetitions), advance)
    if "shapes" in sections:
        found.shapes = footprint.memory_by_shape(repetitions, advance)
    if "quota" in sections:
        found.under_quota = quota.measure(advance)
    if "quiet" in sections:
        found.when_quiet = quiet.measure(advance)
    if "accounts" in sections:
        found.accounts = many.measure(advance, accounts)
    if "memory" in sections:
        found.memory = footprint.memory(repetitions, advance)
        found.memory_of_syncs = footprint.memory_of_syncs(advance)
    if "start" in sections:
        for module in ("main", "scanner_sync.sync"):
            advance(f"import {module}")
            found.imports[module] = footprint.imports(module, repetitions)
        found.cold = footprint.cold_starts(repetitions, advance)
    if "findings" in sections:
        found.beside_earlier = findings.measure(advance)
    if "bigquery" in sections:
        found.syncs = jobs.measure(repetitions, advance)


if __name__ == "__main__":
    main()
