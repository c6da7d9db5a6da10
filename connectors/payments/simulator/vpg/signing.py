"""The dialect's hashes. Source: Algol22/gitbook, checkout and S2S APM and S2S card pages.

Checkout: SHA-1 over the lower-hex MD5 of the upper-cased values with the password at the end.
S2S: MD5 over upper-cased values, reversed; the password stands outside of the reversing, as the
pages' own code has it.
"""

import hashlib
import hmac


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def checkout(*values: str) -> str:
    """Return the hash of checkout requests, callbacks and returns; the password comes last."""
    inner = _md5("".join(values).upper())
    return hashlib.sha1(inner.encode(), usedforsecurity=False).hexdigest()


def virtual(password: str, *values: str) -> str:
    """Return the hash of CREDIT2VIRTUAL, its callback and its status request."""
    return _md5("".join(values)[::-1].upper() + password)


def card(password: str, number: str, *, trans_id: str = "") -> str:
    """Return the hash of CREDIT2CARD (formula 5), or with a trans_id of its callback (6)."""
    digits = (number[:6] + number[-4:])[::-1]
    return _md5((password + trans_id + digits).upper())


def fits(expected: str, given: str) -> bool:
    """Compare in constant time, without regard to case."""
    return hmac.compare_digest(expected.encode(), given.lower().encode())
