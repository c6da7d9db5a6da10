"""Currencies and the provider's fee: pure rules on amounts in minor units."""

from decimal import ROUND_HALF_UP, Decimal

from connectors.payments.simulator.errors import ApiError, missing_parameter

ZERO_DECIMAL = frozenset(
    {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
        "xaf", "xof", "xpf",
    }
)  # fmt: skip
THREE_DECIMAL = frozenset(
    {
        "bhd", "jod", "kwd", "omr", "tnd",
    }
)  # fmt: skip
TWO_DECIMAL = frozenset(
    {
        "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd",
        "bdt", "bgn", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf",
        "cny", "cop", "crc", "cve", "czk", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp",
        "gbp", "gel", "gip", "gmd", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr",
        "isk", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad",
        "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn",
        "nio", "nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd",
        "rub", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb",
        "tjs", "top", "try", "ttd", "twd", "tzs", "uah", "uyu", "uzs", "wst", "xcd", "yer", "zar",
        "zmw",
    }
)  # fmt: skip
AMOUNT_MAX = 99_999_999
FEE_RATE = Decimal("0.029")
FEE_FIXED = Decimal("0.30")
DISPUTE_FEE = Decimal("15.00")


def exponent(currency: str) -> int:
    """Return the number of decimals of a lower-case currency code."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def checked(currency: str | None, *, param: str = "currency") -> str:
    """Return the code in lower case, or raise for a missing or unknown one."""
    if not currency:
        raise missing_parameter(param)
    code = currency.lower()
    if code not in TWO_DECIMAL | ZERO_DECIMAL | THREE_DECIMAL:
        raise ApiError(400, f"Invalid currency: {code}.", param=param)
    return code


def check_amount(amount: int, currency: str, *, param: str) -> None:
    """Refuse an amount in minor units that the provider would not charge."""
    if amount < 1:
        raise ApiError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=param,
        )
    if amount < (500 if exponent(currency) == 3 else 50):
        raise ApiError(
            400,
            "The amount is below the smallest one that can be charged in this currency.",
            code="amount_too_small",
            param=param,
        )
    if amount > AMOUNT_MAX:
        raise ApiError(
            400,
            f"Amount must be no more than {AMOUNT_MAX} in minor units.",
            code="amount_too_large",
            param=param,
        )
    if exponent(currency) == 3 and amount % 10:
        raise ApiError(400, "Amounts with three decimals must be a multiple of 10.", param=param)


def minor(amount: Decimal, currency: str) -> int:
    """Round an amount of whole units half up to minor units."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP))


def charge_fee(amount: int, currency: str) -> int:
    """Return the fee of a charge, 2.9 % + 0.30 of the currency's unit, in minor units."""
    exact = FEE_RATE * amount + FEE_FIXED.scaleb(exponent(currency))
    return int(exact.to_integral_value(ROUND_HALF_UP))


def written(amount: int, currency: str) -> str:
    """Return minor units as words for the page: `1,250.00 USD`."""
    places = exponent(currency)
    return f"{Decimal(amount).scaleb(-places):,.{places}f} {currency.upper()}"
