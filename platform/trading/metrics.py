"""What the puller tells Prometheus: seconds behind, deals taken over, failures."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

LAG = Gauge("marque_deals_lag_seconds", "Seconds of deals not yet read", ["server"])
SYNCED = Counter("marque_deals_synced", "Deals that were new or changed", ["server"])
FAILURES = Counter("marque_pull_failures", "Pulls that failed", ["server"])
