"""What pages weigh and how soon they stand on a cheap phone, seen in Chromium.

Usage: python -m bench.weight --data FOLDER     against a running demo copy

Every visit is a first one: an empty cache, the processor slowed four times, 1.6 Mbit/s and
150 ms there and back. Bytes are those on the wire, headers and all. TBT is what long tasks
take beyond 50 ms each. Exit code 1 when the median of a page misses a budget.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Request

from bench.eyes import PHONE, WIDE, Copy, chromium
from bench.pictures import still

SLOWER = 4
BYTES_PER_SECOND = 1_600_000 / 8
LATENCY_MS = 150
ROUNDS = 3
LCP_MS, CLS, TBT_MS = 2500, 0.1, 300
TRADER, STAFF, CHARTS = 170_000, 200_000, 170_000

_WATCH = """
window.seen = {lcp: 0, cls: 0, tbt: 0, element: ''};
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  seen.lcp = entry.startTime;
  seen.element = entry.element ? entry.element.tagName.toLowerCase() : '';
})).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  if (!entry.hadRecentInput) seen.cls += entry.value;
})).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  seen.tbt += Math.max(0, entry.duration - 50);
})).observe({type: 'longtask', buffered: true});
"""


_IN_WORKER = {"echarts.min.js"}


@dataclass(frozen=True)
class Target:
    """A page to weigh: whose it is, where it lies, at which width, and what it may weigh."""

    name: str
    who: str | None
    slug: str
    surface: str
    path: str
    size: tuple[int, int]
    bytes_max: int


@dataclass(frozen=True)
class Visit:
    """One first visit: bytes in all and by kind, milliseconds, and the shift of the layout."""

    total: int
    kinds: dict[str, int]
    lcp: float
    cls: float
    tbt: float


TARGETS = (
    Target("login", None, "meridian", "my", "/login", PHONE, TRADER),
    Target("trader home", "trader", "meridian", "my", "/", PHONE, TRADER),
    Target("trader home, Arabic", "trader", "noor", "my", "/", PHONE, TRADER),
    Target("deposit", "trader", "meridian", "my", "/deposit", PHONE, TRADER),
    Target("partner home", "partner", "meridian", "ib", "/", PHONE, TRADER),
    Target("leads list", "owner", "meridian", "team", "/crm/leads", WIDE, STAFF),
    Target("revenue", "finance", "meridian", "team", "/backoffice/revenue", WIDE, STAFF + CHARTS),
)


def visit(context: BrowserContext, address: str) -> Visit:
    """Open a page for the first time over a slow line; raise ValueError when it is refused."""
    page = context.new_page()
    wire = context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    weights: dict[str, int] = {}

    def responded(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def finished(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "Other")
        weights[kind] = weights.get(kind, 0) + int(event["encodedDataLength"])

    def beside(request: Request) -> None:
        # What a worker fetches is not on the page's own wire; an answer from the cache has no size.
        if request.url.split("?")[0].rsplit("/", 1)[-1] in _IN_WORKER:
            sizes = request.sizes()
            sent = sizes["responseBodySize"] + sizes["responseHeadersSize"]
            weights["Script"] = weights.get("Script", 0) + max(0, sent)

    page.on("requestfinished", beside)
    wire.on("Network.responseReceived", responded)
    wire.on("Network.loadingFinished", finished)
    wire.send("Network.enable")
    wire.send("Network.clearBrowserCache")
    wire.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY_MS, "downloadThroughput": BYTES_PER_SECOND,
         "uploadThroughput": BYTES_PER_SECOND},
    )  # fmt: skip
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(_WATCH)
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        raise ValueError(f"{address} answered {answer.status if answer else 'nothing'}")
    still(page)
    page.wait_for_timeout(1500)
    seen = page.evaluate("seen")
    page.close()
    return Visit(sum(weights.values()), weights, seen["lcp"], seen["cls"], seen["tbt"])


def visits(browser: Browser, copy: Copy, target: Target) -> list[Visit]:
    """Visit a page several times, each in a browser profile that knows only who is signed in."""
    width, height = target.size
    size: Any = {"width": width, "height": height}
    with browser.new_context(viewport=size) as context:
        if target.who is not None:
            page = context.new_page()
            copy.sign_in(page, target.who, target.slug)
        signed_in = context.storage_state()
    found = []
    for _ in range(ROUNDS):
        with browser.new_context(viewport=size, storage_state=signed_in) as context:
            found.append(visit(context, copy.address(target.surface, target.slug, target.path)))
    return found


def missed(target: Target, weight: float, lcp: float, cls: float, tbt: float) -> list[str]:
    """Return what of a page is over its budget."""
    limits = (("bytes", weight, target.bytes_max), ("LCP", lcp, LCP_MS), ("CLS", cls, CLS),
              ("TBT", tbt, TBT_MS))  # fmt: skip
    return [name for name, value, limit in limits if value > limit]


def main(data: Path) -> int:
    """Print the table, one line a page; return the exit code."""
    copy, over = Copy.of(data), False
    print("| page | kB | HTML | CSS | scripts | fonts | pictures | LCP | CLS | TBT | over |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with chromium() as browser:
        for target in TARGETS:
            found = visits(browser, copy, target)
            median = sorted(found, key=lambda one: one.lcp)[len(found) // 2]
            weight = statistics.median(one.total for one in found)
            cls = statistics.median(one.cls for one in found)
            tbt = statistics.median(one.tbt for one in found)
            bad = missed(target, weight, median.lcp, cls, tbt)
            over = over or bool(bad)
            kinds = dict(median.kinds)
            parts = [kinds.pop(kind, 0) for kind in ("Document", "Stylesheet", "Script", "Font")]
            cells = " | ".join(f"{part / 1000:.1f}" for part in (*parts, sum(kinds.values())))
            print(
                f"| {target.name} | {weight / 1000:.0f} of {target.bytes_max // 1000} | {cells}"
                f" | {median.lcp:.0f} ms | {cls:.3f} | {tbt:.0f} ms | {', '.join(bad) or '–'} |",
                flush=True,
            )
    return 1 if over else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.weight")
    parser.add_argument("--data", type=Path, required=True)
    sys.exit(main(parser.parse_args().data))
