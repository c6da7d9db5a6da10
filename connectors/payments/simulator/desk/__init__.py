"""What the cashier-like counterparts share: merchants, payments, callbacks, pages, faults.

Each protocol stands in its own package beside this one and is written from its provider's public
documentation. This package knows none of them: it keeps their payments, sends their callbacks on
a seeded schedule, shows the hosted page and records every call.
"""
