"""Payment providers' signatures once more, from the prose of each and from nothing else.

Every function takes the values that its provider signs, in the provider's order, and returns what
the provider would print. Standard library only; written without the engine and its files.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus


def _hmac(name: str, key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, name).digest()


def _hex(name: str, text: str) -> str:
    return hashlib.new(name, text.encode()).hexdigest()


# Praxis: SHA-384 over the values one after the other, those that are null left out, then the
# merchant's secret. PHP writes the values, so that 1.000000 is written 1.


def php(value: Any) -> str:
    """Write a value as PHP joins it to a text."""
    if isinstance(value, Decimal):
        return str(int(value)) if value == int(value) else format(float(value), ".14G")
    return str(value)


def praxis(secret: str, *values: Any) -> str:
    """Return Gt-Authentication for a request, a notification or our answer to one."""
    joined = "".join(php(value) for value in values if value is not None)
    return _hex("sha384", joined + secret)


# VPG dialect: SHA-1 of the hexadecimal MD5 of the upper-cased values and password.


def vpg(password: str, *values: str) -> str:
    """Return the hash of a session, a status request, a refund or a callback."""
    return _hex("sha1", _hex("md5", ("".join(values) + password).upper()))


def vpg_apm(password: str, *values: str) -> str:
    """Return the hash of a server-to-server request: MD5 of all of it reversed, upper-cased."""
    return _hex("md5", ("".join(values) + password)[::-1].upper())


# Skrill: upper-case MD5 in which the secret word is itself an upper-case MD5.


def skrill(secret_word: str, *, before: Sequence[str], after: Sequence[str]) -> str:
    """Return md5sig: merchant and transaction before the secret, amount, currency, status after."""
    word = _hex("md5", secret_word).upper()
    return _hex("md5", "".join(before) + word + "".join(after)).upper()


def skrill_payout(key: str, text: str) -> str:
    """Return sign of a payout: upper-case HMAC-SHA256 with the lower-case MD5 as key."""
    return _hmac("sha256", key.encode(), text.encode()).hex().upper()


# Adyen: base64 HMAC-SHA256 with a hexadecimal key over eight values joined by colons.


def adyen(key: str, item: Mapping[str, Any]) -> str:
    """Return additionalData.hmacSignature of one notification item."""
    amount = item.get("amount") or {}
    values = (
        item.get("pspReference"),
        item.get("originalReference"),
        item.get("merchantAccountCode"),
        item.get("merchantReference"),
        amount.get("value"),
        amount.get("currency"),
        item.get("eventCode"),
        item.get("success"),
    )
    text = ":".join("" if value is None else str(value) for value in values)
    return base64.b64encode(_hmac("sha256", bytes.fromhex(key), text.encode())).decode()


# Nuvei: SHA-256, the secret last in requests and first in notifications.


def nuvei_request(secret: str, *values: str) -> str:
    """Return checksum."""
    return _hex("sha256", "".join(values) + secret)


def nuvei_notification(secret: str, *values: str) -> str:
    """Return advanceResponseChecksum."""
    return _hex("sha256", secret + "".join(values))


# NOWPayments: HMAC-SHA512 over the JSON with keys sorted at every depth, as JavaScript writes it.


class _Digits(str):
    """A number's text as it was received."""

    __slots__ = ()


def _javascript(value: Any) -> str:
    if isinstance(value, dict):
        # JavaScript sorts by UTF-16 units and leaves letters of other scripts as they are.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        pairs = [f"{json.dumps(n, ensure_ascii=False)}:{_javascript(value[n])}" for n in names]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_javascript, value)) + "]"
    if isinstance(value, _Digits):
        return javascript_number(value)
    return json.dumps(value, ensure_ascii=False)


def javascript_number(text: str) -> str:
    """Write a number's text as JavaScript writes the number: 50.0 as 50, 0.00000012 as 1.2e-7."""
    short = repr(float(text))
    mantissa, _, power = short.partition("e")
    digits = mantissa.replace(".", "").replace("-", "").lstrip("0").rstrip("0")
    if not digits:
        return "0"
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    stripped = (whole + fraction).lstrip("0")
    # Where the point stands, counted from the first digit that is not a zero.
    point = len(whole) - (len(whole + fraction) - len(stripped)) + int(power or 0)
    if point > 21 or point < -5:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point:
        return sign + digits.ljust(point, "0")
    return f"{sign}{digits[:point]}.{digits[point:]}"


def nowpayments(secret: str, raw: bytes) -> str:
    """Return x-nowpayments-sig."""
    body = json.loads(raw, parse_int=_Digits, parse_float=_Digits)
    return _hmac("sha512", secret.encode(), _javascript(body).encode()).hex()


# Those that sign the raw body, and those that put a time before it.


def raw_hex(name: str, secret: str, raw: bytes) -> str:
    """Return the hexadecimal HMAC of the body: Checkout.com, Coinbase, Razorpay and others."""
    return _hmac(name, secret.encode(), raw).hex()


def raw_base64(name: str, secret: str, raw: bytes) -> str:
    """Return the base64 HMAC of the body: Paysafe."""
    return base64.b64encode(_hmac(name, secret.encode(), raw)).decode()


def stripe(secret: str, time: int, raw: bytes) -> str:
    """Return v1 of Stripe-Signature."""
    return raw_hex("sha256", secret, b"%d." % time + raw)


def revolut(secret: str, milliseconds: int, raw: bytes) -> str:
    """Return Revolut-Signature."""
    return "v1=" + raw_hex("sha256", secret, b"v1.%d." % milliseconds + raw)


def dlocal(secret: str, login: str, date: str, raw: bytes) -> str:
    """Return dLocal's Authorization."""
    digest = raw_hex("sha256", secret, login.encode() + date.encode() + raw)
    return f"V2-HMAC-SHA256, Signature: {digest}"


def mercado_pago(secret: str, *, data_id: str, request_id: str, time: str) -> str:
    """Return v1 of x-signature; a part that is not there is left out whole."""
    parts = (("id", data_id), ("request-id", request_id), ("ts", time))
    text = "".join(f"{name}:{value};" for name, value in parts if value)
    return raw_hex("sha256", secret, text.encode())


def cryptopay_request(key: str, secret: str, *, raw: bytes, date: str, path: str) -> str:
    """Return Cryptopay's Authorization of a POST of JSON."""
    lines = ("POST", hashlib.md5(raw).hexdigest(), "application/json", date, path)
    digest = _hmac("sha1", secret.encode(), "\n".join(lines).encode())
    return f"HMAC {key}:{base64.b64encode(digest).decode()}"


def mpesa_password(shortcode: str, passkey: str, time: str) -> str:
    """Return Daraja's Password."""
    return base64.b64encode((shortcode + passkey + time).encode()).decode()


def razorpay_link(secret: str, *values: str) -> str:
    """Return the signature of a redirect from a payment link."""
    return raw_hex("sha256", secret, "|".join(values).encode())


# Lists of values and pairs.


def help2pay(security: str, *values: str, after: str = "") -> str:
    """Return Key: MD5 of the values and the security code, the client's address behind it."""
    return _hex("md5", "".join(values) + security + after)


def match2pay(secret: str, amount: str, *values: str) -> str:
    """Return signature of a callback: SHA-384 with the amount at eight decimals."""
    return _hex("sha384", f"{Decimal(amount):.8f}" + "".join(values) + secret)


def match2pay_request(secret: str, body: Mapping[str, Any]) -> str:
    """Return signature of a request: values in the order of their names, tables as Java prints."""

    def java(value: Any) -> str:
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{name}={java(one)}" for name, one in value.items()) + "}"
        if isinstance(value, Decimal):
            return format(value.normalize(), "f")
        return str(value)

    return _hex("sha384", "".join(java(body[name]) for name in sorted(body)) + secret)


def sorted_pairs(name: str, pairs: Mapping[str, str], *, suffix: str, encoded: bool = False) -> str:
    """Return the digest of k=v pairs by name, empty ones left out: MyPay, PayAsia and others."""
    kept = [
        f"{key}={quote_plus(pairs[key]) if encoded else pairs[key]}"
        for key in sorted(pairs)
        if pairs[key]
    ]
    return _hex(name, "&".join(kept) + suffix)


def myfatoorah(secret: str, pairs: Mapping[str, str]) -> str:
    """Return the base64 HMAC-SHA256 of k=v pairs joined by commas."""
    text = ",".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return raw_base64("sha256", secret, text.encode())


def noon(secret: str, *values: str) -> str:
    """Return the base64 HMAC-SHA512 of the values joined by commas."""
    return raw_base64("sha512", secret, ",".join(values).encode())


def novalnet(key: str, *values: str) -> str:
    """Return SHA-256 of the values and the reversed key."""
    return _hex("sha256", "".join(values) + key[::-1])


def fiuu(secret: str, *, time: str, domain: str, code: str, inner: Sequence[str]) -> str:
    """Return skey: an MD5 that holds another MD5."""
    return _hex("md5", time + domain + _hex("md5", "".join(inner)) + code + secret)


def worldnet(*values: str) -> str:
    """Return the upper-case SHA-512 of the values joined by colons."""
    return _hex("sha512", ":".join(values)).upper()


def paypal_message(transmission_id: str, time: str, webhook_id: str, raw: bytes) -> bytes:
    """Return what PayPal signs with RSA: the body stands in it as its decimal CRC-32."""
    import zlib

    return f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(raw)}".encode()


def payneteasy(control: str, *values: str) -> str:
    """Return control of a callback: SHA-1 of status, order ids and the merchant's control key."""
    return _hex("sha1", "".join(values) + control)
