"""``python -m benchmarks [NAME...]``: measure, write the page, and hold it against the bounds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks import document, finished_run, lateness, many_results, many_runs, single_tests
from benchmarks.contenders import Programs, installed

BENCHMARKS: Mapping[str, Callable[[Programs], Sequence[document.Table]]] = {
    "finished-run": finished_run.tables,
    "lateness": lateness.tables,
    "many-results": many_results.tables,
    "many-runs": many_runs.tables,
    "single-tests": single_tests.tables,
}


def main(names: Sequence[str]) -> int:
    """Run the benchmarks of these names, or all; 0 only where every bound is kept."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no benchmark; there are {', '.join(BENCHMARKS)}")
    programs = installed()
    kept = True
    for name in names or BENCHMARKS:
        began = time.monotonic()
        tables = BENCHMARKS[name](programs)
        print(f"\n# {name}, {time.monotonic() - began:.0f} s")  # noqa: T201  (what it is for)
        page = document.PAGE.read_text(encoding="utf-8")
        page = document.replaced(page, "machine", document.machine())
        for table in tables:
            print(f"\n{table}", flush=True)  # noqa: T201  (likewise)
            page = document.replaced(page, table.name, str(table))
            kept = kept and all(bound.is_kept for bound in table.bounds)
        document.PAGE.write_text(page, encoding="utf-8")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
