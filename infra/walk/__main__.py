"""Walks through every demo tenant, or through those named, and says what it saw.

Usage: marque walk [--tenant SLUG]... [--data FOLDER] [--patience SECONDS]

Exits with 1 when a step failed, with 2 when no copy runs from the folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from infra.walk import journey
from infra.walk.markup import Missing
from infra.walk.surroundings import Surroundings

_PATIENCE = 15.0


def main(argv: Sequence[str]) -> int:
    """Walk and return the exit code."""
    options = _options(argv)
    try:
        around = Surroundings.of(options.data)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    unknown = [slug for slug in options.tenant if slug not in around.tenants]
    if unknown:
        known = ", ".join(around.tenants)
        print(f"no demo tenant {', '.join(unknown)}; there are {known}", file=sys.stderr)
        return 2
    started = time.monotonic()
    teller = journey.Teller()
    if options.tenant:
        _together(around, list(dict.fromkeys(options.tenant)), options.patience, teller)
    else:
        for slug in around.tenants:
            journey.run(around, slug, patience=options.patience, teller=teller)
    spent = time.monotonic() - started
    tally = teller.tally
    print(f"walk: {tally.done} steps, {tally.failed} failed, {spent:.1f} s", flush=True)
    return 1 if tally.failed or not tally.done else 0


def _together(
    around: Surroundings, slugs: Sequence[str], patience: float, teller: journey.Teller
) -> None:
    threads = [
        threading.Thread(
            target=journey.run,
            args=(around, slug),
            kwargs={"patience": patience, "teller": teller},
            name=slug,
        )
        for slug in slugs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="marque walk", description=__doc__)
    parser.add_argument(
        "--tenant", action="append", default=[], metavar="SLUG", help="several walk at once"
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MARQUE_DATA", ".marque")))
    parser.add_argument(
        "--patience", type=float, default=_PATIENCE, help="seconds to wait for each event"
    )
    return parser.parse_args(list(argv))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
