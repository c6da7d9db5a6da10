"""Colour arithmetic for themes: sRGB, WCAG 2 contrast and OKLCH (Ottosson, 2020).

Colours are strings `#rrggbb`; lightness is 0..1, hue is in radians.
"""

import math

Rgb = tuple[float, float, float]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _gamma(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def rgb(colour: str) -> Rgb:
    """Split `#rrggbb` into channels of 0..1."""
    digits = colour.lstrip("#")
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def to_hex(channels: Rgb) -> str:
    """Join channels of 0..1 into `#rrggbb`, clipping what lies outside."""
    return "#" + "".join(f"{round(max(0.0, min(1.0, one)) * 255):02x}" for one in channels)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2, 0..1."""
    red, green, blue = map(_linear, rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2, 1..21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def to_oklch(colour: str) -> tuple[float, float, float]:
    """Lightness, chroma and hue (radians) of a colour."""
    red, green, blue = map(_linear, rgb(colour))
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short
    a_axis = 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short
    b_axis = 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short
    return lightness, math.hypot(a_axis, b_axis), math.atan2(b_axis, a_axis)


def _from_oklch_unclipped(lightness: float, chroma: float, hue: float) -> Rgb:
    a_axis, b_axis = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a_axis + 0.2158037573 * b_axis) ** 3
    medium = (lightness - 0.1055613458 * a_axis - 0.0638541728 * b_axis) ** 3
    short = (lightness - 0.0894841775 * a_axis - 1.291485548 * b_axis) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
    )


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """Turn lightness, chroma and hue into `#rrggbb`, easing chroma until sRGB can show it."""
    channels = _from_oklch_unclipped(lightness, chroma, hue)
    for _ in range(60):
        if all(-1e-4 <= one <= 1 + 1e-4 for one in channels):
            break
        chroma *= 0.95
        channels = _from_oklch_unclipped(lightness, chroma, hue)
    red, green, blue = (_gamma(max(0.0, one)) for one in channels)
    return to_hex((red, green, blue))


def mix(over: str, under: str, share: float) -> str:
    """What `over` at opacity `share` looks like on `under`."""
    pairs = zip(rgb(over), rgb(under), strict=True)
    red, green, blue = (top * share + bottom * (1 - share) for top, bottom in pairs)
    return to_hex((red, green, blue))


def fit(colour: str, tests: list[tuple[str, float]], step: float) -> str:
    """Walk lightness by `step` until contrast to every (other colour, minimum) is reached.

    When no lightness of this hue passes, the answer is our ink (darkening) or white (lightening).
    """
    lightness, chroma, hue = to_oklch(colour)
    while 0 < lightness < 1:
        candidate = from_oklch(lightness, chroma, hue)
        if all(contrast(candidate, other) >= minimum for other, minimum in tests):
            return candidate
        lightness += step
    return "#111827" if step < 0 else "#ffffff"
