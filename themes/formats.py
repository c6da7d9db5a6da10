"""How numbers, money, times and contacts are written on pages.

Amounts are Decimal and never float; times come in as aware UTC datetimes. Everything that reads
left to right in every language sits in `<bdi dir="ltr">`. Separators and the order of a date are
those of the page's language, from the Unicode locale data (CLDR); English writes ISO dates.
"""

import math
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import NamedTuple, Protocol, cast

from babel import Locale
from babel.dates import format_timedelta
from markupsafe import Markup, escape

from kernel.language import SOURCE, current
from kernel.money import exponent
from themes.holding import holds

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
_SMALL_AFTER_HOURS = 24
_DAY_PARTS = {"d": "%d", "M": "%m", "y": "%Y"}


class Amount(Protocol):
    """What the money filter needs of a `kernel.money.Money`."""

    @property
    def amount(self) -> Decimal:
        """The number."""

    @property
    def currency(self) -> str:
        """The currency code."""


class _Signs(NamedTuple):
    """What a language writes between digits, and how it writes a day (strftime)."""

    table: dict[int, str]
    group: str
    decimal: str
    day: str


@cache
def _signs(language: str) -> _Signs:
    locale = Locale.parse(language)
    symbols = locale.number_symbols["latn"]
    group, decimal = symbols["group"], symbols["decimal"]
    pattern = str(locale.datetime_skeletons["yMd"].pattern)
    parts = [
        _DAY_PARTS.get(sign[0], sign) for sign in re.findall(r"d+|M+|y+|[^dMy\u200f]+", pattern)
    ]
    return _Signs({ord(","): group, ord("."): decimal}, group, decimal, "".join(parts))


def number_text(value: Decimal | int, places: int = 0, *, signed: bool = False) -> str:
    """Write a number with the language's separators, a true minus and, when asked, a plus."""
    step = Decimal(1).scaleb(-places)
    rounded = Decimal(value).quantize(step, rounding=ROUND_HALF_EVEN)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    language = current()
    if language == SOURCE:
        return f"{sign}{abs(rounded):,.{places}f}"
    return f"{sign}{abs(rounded):,.{places}f}".translate(_signs(language).table)


def typed_amount(text: str) -> Decimal | None:
    """Read an amount as the page's language writes it; None for anything else.

    Thousands must be grouped in threes, so `250,00` on an English page is refused, not 25,000.
    """
    group, decimal = (",", ".") if current() == SOURCE else _signs(current())[1:3]
    text = re.sub(r"[ \u00a0\u202f]", "", text)
    whole = rf"(?:[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}}){{1,3}}|[0-9]{{1,12}})"
    if not re.fullmatch(rf"{whole}(?:{re.escape(decimal)}[0-9]{{1,8}})?", text):
        return None
    return Decimal(text.replace(group, "").replace(decimal, "."))


def _ltr(text: str) -> Markup:
    return Markup('<bdi class="num" dir="ltr">{}</bdi>').format(text)


def number(value: Decimal | int | None, places: int = 0, *, signed: bool = False) -> Markup:
    """A number for a page; a missing one is a dash."""
    return _ltr(MISSING if value is None else number_text(value, places, signed=signed))


def money_text(value: Amount | None, *, signed: bool = False) -> str:
    """Money as plain text for mails and attributes: `1,234.56 USD`."""
    if value is None:
        return MISSING
    text = number_text(value.amount, exponent(value.currency), signed=signed)
    return f"{text} {value.currency}"


def amount_text(value: Amount) -> str:
    """The number of an amount of money as plain text, without its currency."""
    return number_text(value.amount, exponent(value.currency))


def isolated(text: str) -> str:
    """Keep a text of figures or of English in its own order on a page that runs to the left."""
    return f"\u2066{text}\u2069"


def money(value: Amount | None, *, signed: bool = False) -> Markup:
    """Money for a page: the number, then the small grey code; a missing one is a dash."""
    if value is None:
        return _ltr(MISSING)
    text = number_text(value.amount, exponent(value.currency), signed=signed)
    return Markup('<bdi class="num" dir="ltr">{}<span class="cur">{}</span></bdi>').format(
        text, value.currency
    )


def amount(value: Decimal | None, currency: str, *, signed: bool = False) -> Markup:
    """Money without its code, for columns whose head names the currency."""
    return number(value, exponent(currency), signed=signed)


def change(value: Amount | None) -> Markup:
    """A profit or loss: signed money in the colour of its direction."""
    shown = money(value, signed=True)
    if value is None or value.amount == 0:
        return shown
    kind = "pos" if value.amount > 0 else "neg"
    return Markup('<span class="{}">{}</span>').format(kind, shown)


def lots(value: Decimal | None) -> Markup:
    """Volume in lots, two decimals."""
    return number(value, 2)


def price(value: Decimal | None, digits: int = 5) -> Markup:
    """A quote with the digits of its symbol."""
    return number(value, digits)


def percent(value: Decimal | None, places: int = 1, *, signed: bool = False) -> Markup:
    """A percentage given as 12.3 for 12.3 %, with a no-break space before the sign."""
    if value is None:
        return _ltr(MISSING)
    return _ltr(f"{number_text(value, places, signed=signed)}\N{NO-BREAK SPACE}%")


def leverage(value: int | None) -> Markup:
    """Leverage as `1:30`, always left to right."""
    return _ltr(MISSING if value is None else f"1:{value}")


def datetime_text(value: datetime | None) -> str:
    """`2026-11-24 10:24 UTC` as plain text. Raises ValueError on a time without a zone."""
    if value is None:
        return MISSING
    if value.tzinfo is None:
        raise ValueError("A time on a page needs its zone: pass an aware UTC datetime.")
    utc = value.astimezone(UTC)
    if current() == SOURCE:
        return utc.strftime("%Y-%m-%d %H:%M UTC")
    return f"{day_text(utc)}, {utc:%H:%M} UTC"


def day_text(value: date) -> str:
    """A day as the language writes it: `2026-11-24`, `24.11.2026`."""
    language = current()
    return value.isoformat()[:10] if language == SOURCE else value.strftime(_signs(language).day)


def _time(value: datetime, text: str, title: str = "") -> Markup:
    """A `<time>` element; lists show hundreds, and digits and letters of ours need no escaping."""
    hover = f' title="{title}"' if title else ""
    exact = value.astimezone(UTC).isoformat()
    # Both texts are made here from numbers, never from anything typed.
    return Markup(f'<time class="num" dir="ltr" datetime="{exact}"{hover}>{text}</time>')  # noqa: S704


def moment(value: datetime | None) -> Markup:
    """A moment for a page in UTC, machine-readable inside `<time>`."""
    if value is None:
        return _ltr(MISSING)
    return _time(value, datetime_text(value))


def day(value: date | None) -> Markup:
    """A day in the language's order."""
    return _ltr(MISSING if value is None else day_text(value))


def clock(value: datetime | None) -> Markup:
    """The time of day as `10:24` UTC, the exact moment on hover."""
    if value is None:
        return _ltr(MISSING)
    return _time(value, value.astimezone(UTC).strftime("%H:%M"), datetime_text(value))


def _distance(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"


def lasting(value: datetime, now: datetime) -> float:
    """Seconds for which `ago` goes on saying of a moment what it says now.

    English cuts seconds, minutes and hours off, other languages round them: steps of one second
    in the first two minutes, of half a minute in two hours, then of half an hour fit both.
    """
    seconds = (now - value).total_seconds()
    size = abs(seconds)
    if seconds >= _SMALL_AFTER_HOURS * 3600:
        return math.inf
    step = 1 if size < 120 else 30 if size < 7200 else 1800
    return step - size % step if seconds >= 0 else min(size % step, step)


def ago(value: datetime | None, now: datetime | None = None) -> Markup:
    """Under 24 hours `6 min ago` or `in 2 h` with the exact time on hover, else the exact time."""
    if value is None:
        return _ltr(MISSING)
    exact = datetime_text(value)
    if now is None:
        now = datetime.now(UTC)
        holds(now.timestamp() + lasting(value, now))
    seconds = int((now - value).total_seconds())
    if abs(seconds) >= _SMALL_AFTER_HOURS * 3600:
        return _time(value, exact)
    if current() != SOURCE:
        return _ago_abroad(value, seconds, exact)
    span = _distance(abs(seconds))
    text = f"{span} ago" if seconds >= 0 else f"in {span}"
    return _time(value, text, exact)


def _ago_abroad(value: datetime, seconds: int, exact: str) -> Markup:
    """The distance in the words of the locale; its short ones lack seconds to come in Arabic."""
    text = format_timedelta(
        -seconds, threshold=2, add_direction=True, format="long", locale=current()
    )
    iso = value.astimezone(UTC).isoformat()
    return Markup('<time class="num" dir="auto" datetime="{}" title="{}">{}</time>').format(
        iso, exact, text
    )


def masked_email(value: str | None) -> Markup:
    """`s•••@mail.example`: the first letter and the domain."""
    if not value or "@" not in value:
        return _ltr(MISSING)
    name, _, domain = value.rpartition("@")
    return _ltr(f"{name[:1]}•••@{domain}")


def masked_phone(value: str | None) -> Markup:
    """`+971 •• ••• 4108`: the country code when it is spelled apart, and the last four digits."""
    if not value:
        return _ltr(MISSING)
    digits = re.sub(r"\D", "", value)
    if len(digits) < 8:
        return _ltr("•••")
    head = re.match(r"\+\d{1,3}(?=[ -])", value.strip())
    return _ltr(f"{head.group(0) if head else '+••'} •• ••• {digits[-4:]}")


def contact(value: str | None) -> Markup:
    """Mask an e-mail address or a phone number, whichever it is."""
    return masked_email(value) if value and "@" in value else masked_phone(value)


def ltr(value: object) -> Markup:
    """Keep an id, a phone number or a hex string left to right inside any text."""
    return Markup('<bdi dir="ltr" class="id">{}</bdi>').format(MISSING if value is None else value)


def theirs(value: object) -> Markup:
    """What somebody else wrote, a name or a sentence: in its own order, and never translated."""
    return Markup("<bdi>{}</bdi>").format(MISSING if value is None else value)


def gaps(text: str) -> Markup:
    """A text as its writers see it: what is filled in, such as `%(amount)s`, is a marked word."""
    parts = re.split(r"%\((\w+)\)[sd]|(%[sd])", str(text))
    made = [escape(parts[0])]
    for name, bare, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        word = name or ("number" if bare == "%d" else "word")
        made += [Markup('<span class="gap">{}</span>').format(word), escape(after)]
    return Markup("").join(made)


def initials(name: str) -> str:
    """The first letters of the first and the last word, for avatars."""
    words = [word for word in str(name).split() if word[:1].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])
    return letters.upper()


def tint(name: str) -> str:
    """A stable class c1 to c5 (or none) that colours the avatar of a name."""
    at = sum(str(name).encode()) % 6
    return f"c{at}" if at else ""


def display(value: object) -> Markup | str:
    """A table cell: money, numbers, moments and text each in their own way, dash when missing."""
    if value is None or value == "":
        return _ltr(MISSING)
    if isinstance(value, Markup):
        return value
    if hasattr(value, "amount") and hasattr(value, "currency"):
        return money(cast("Amount", value))
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal):
        places = max(0, -int(value.as_tuple().exponent))
        return number(value, min(places, 8))
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    return escape(value)


FILTERS = {
    "money": money,
    "money_text": money_text,
    "amount": amount,
    "change": change,
    "number": number,
    "lots": lots,
    "price": price,
    "percent": percent,
    "leverage": leverage,
    "datetime": moment,
    "datetime_text": datetime_text,
    "day": day,
    "clock": clock,
    "ago": ago,
    "masked_email": masked_email,
    "masked_phone": masked_phone,
    "contact": contact,
    "ltr": ltr,
    "isolated": isolated,
    "theirs": theirs,
    "gaps": gaps,
    "initials": initials,
    "tint": tint,
    "display": display,
}
"""Jinja filters by the name templates use."""
