"""What a session says about where it runs: browser and system in two words, a shortened address."""

from __future__ import annotations

import ipaddress
import re

# The first that matches names it: browsers mention each other, never the other way round.
_BROWSERS = (
    (re.compile(r"\bEdg(?:e|A|iOS)?/"), "Edge"),
    (re.compile(r"\b(?:OPR|Opera)/"), "Opera"),
    (re.compile(r"\bSamsungBrowser/"), "Samsung Internet"),
    (re.compile(r"\b(?:Firefox|FxiOS)/"), "Firefox"),
    (re.compile(r"\b(?:HeadlessChrome|Chromium|Chrome|CriOS)/"), "Chrome"),
    (re.compile(r"\bVersion/[\d.]+.*\bSafari/"), "Safari"),
)
_SYSTEMS = (
    (re.compile(r"\biPhone\b"), "iPhone"),
    (re.compile(r"\biPad\b"), "iPad"),
    (re.compile(r"\bAndroid\b"), "Android"),
    (re.compile(r"\bWindows\b"), "Windows"),
    (re.compile(r"\bMac OS X\b|\bMacintosh\b"), "macOS"),
    (re.compile(r"\bCrOS\b"), "ChromeOS"),
    (re.compile(r"\bLinux\b|\bX11\b"), "Linux"),
)
_READ_MAX = 400


def device(user_agent: str) -> str:
    """Return `Chrome, Windows` or the like; nothing of what the header says is repeated."""
    told = user_agent[:_READ_MAX]
    names = (
        next((name for pattern, name in known if pattern.search(told)), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(name for name in names if name)


def short_address(address: str) -> str:
    """Return the network of an address (IPv4 /24, IPv6 /48): enough to know one's own by."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv4Address):
        return ".".join([*str(found).split(".")[:3], "\N{HORIZONTAL ELLIPSIS}"])
    groups = found.exploded.split(":")[:3]
    return ":".join(format(int(group, 16), "x") for group in groups) + ":\N{HORIZONTAL ELLIPSIS}"
