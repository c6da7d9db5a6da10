"""Run benchmarks: `python -m bench [NAME ...]`; without a name, all of them.

Exit code 1 when a comparison FAILs.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from bench import deposit_to_mt5, harness, leads_page, ledger
from bench.harness import Result

Benchmark = Callable[[], Awaitable[list[Result]]]
BENCHMARKS: dict[str, Benchmark] = {
    "leads-page": leads_page.run,
    "deposit-to-mt5": deposit_to_mt5.run,
    "ledger": ledger.run,
}
GROUPS = {"http": ("leads-page", "deposit-to-mt5")}


def chosen(names: list[str]) -> list[str]:
    """Return the benchmarks that these names and groups mean; exit with advice otherwise."""
    found: list[str] = []
    for name in names or list(BENCHMARKS):
        if name not in BENCHMARKS and name not in GROUPS:
            known = ", ".join([*BENCHMARKS, *GROUPS])
            sys.exit(f"There is no benchmark {name!r}. Choose from: {known}.")
        found.extend(GROUPS.get(name, (name,)))
    return list(dict.fromkeys(found))


async def main(names: list[str]) -> int:
    """Run the benchmarks one after the other and return the exit code."""
    print(harness.row(*harness.HEAD), flush=True)
    results: list[Result] = []
    for name in names:
        results.extend(await BENCHMARKS[name]())
    return 1 if any(result.verdict == "FAIL" for result in results) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(chosen(sys.argv[1:]))))
