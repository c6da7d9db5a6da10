"""Short messages through Twilio's Messages resource (API version 2010-04-01).

The address is `https://ACCOUNT:TOKEN@api.twilio.com?from=SENDER`, where the sender is a number
of the account's or up to eleven letters and digits; account, token and sender are
percent-encoded. Whatever speaks the same protocol can stand at another host; one inside the
operator's network needs to be in MARQUE_EGRESS_ALLOW.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import httpx

from connectors.sms.port import Sms, SmsDeferred, SmsRefused
from kernel import http

_TELEPHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_ACCOUNT = re.compile(r"[A-Za-z0-9]{2,64}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 ]{1,11}")
_TEXT_MAX = 1600  # of Body, in characters
_PAGE = 200
# Clocks differ, and the list gives whole seconds.
_SKEW = timedelta(seconds=60)
# Answers that a later attempt may change although the request was fine: too many, too early.
_LATER = frozenset({401, 403, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class SmsAddress:
    """A gateway and how to speak to it."""

    origin: str
    account: str
    token: str = field(repr=False)
    sender: str

    @classmethod
    def parse(cls, url: str) -> "SmsAddress":
        """Read an SMS_URL; raise ValueError for what is not one."""
        parts = urlsplit(url)
        account = unquote(parts.username or "")
        sender = parse_qs(parts.query).get("from", [""])[-1]
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or not _ACCOUNT.fullmatch(account)
            or not parts.password
            or not _SENDER.fullmatch(sender)
        ):
            raise ValueError("SMS_URL must look like https://ACCOUNT:TOKEN@host?from=SENDER")
        host = parts.netloc.rpartition("@")[2]
        return cls(f"{parts.scheme}://{host}", account, unquote(parts.password), sender)


class Twilio:
    """An `SmsGateway` that asks over HTTP, one connection a message."""

    def __init__(self, url: str, *, egress_allow: frozenset[str] = frozenset()) -> None:
        """Remember the gateway; nothing is sent yet. Raises ValueError as SmsAddress.parse."""
        self._address = SmsAddress.parse(url)
        self._allow = egress_allow

    async def send(self, sms: Sms) -> str:
        """Hand the message to the carrier and return its reference."""
        if not _TELEPHONE.fullmatch(sms.to):
            raise SmsRefused("The recipient is not a telephone number with its country code.")
        if not sms.text or len(sms.text) > _TEXT_MAX:
            raise SmsRefused(f"An SMS has 1 to {_TEXT_MAX} characters.")
        form = {"To": sms.to, "From": self._address.sender, "Body": sms.text}
        return _reference(await self._ask("POST", form=form))

    async def find(self, sms: Sms, *, since: datetime) -> str:
        """Return the reference of an equal message taken since a moment, "" when there is none."""
        after = since.astimezone(UTC) - _SKEW
        asked = {"To": sms.to, "DateSent>": f"{after:%Y-%m-%d}", "PageSize": str(_PAGE)}
        answer = await self._ask("GET", query=asked)
        listed = answer.get("messages")
        for one in listed if isinstance(listed, list) else []:
            same = isinstance(one, dict) and (one.get("to"), one.get("body")) == (sms.to, sms.text)
            failed = isinstance(one, dict) and one.get("status") in ("failed", "canceled")
            if same and not failed and _moment(one.get("date_created")) >= after:
                return _reference(one)
        return ""

    async def _ask(
        self,
        method: str,
        *,
        form: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        address = self._address
        url = f"{address.origin}/2010-04-01/Accounts/{quote(address.account)}/Messages.json"
        key = b64encode(f"{address.account}:{address.token}".encode()).decode()
        headers = {"authorization": f"Basic {key}", "accept": "application/json"}
        body = urlencode(form or {}).encode()
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        try:
            answer = await http.request(
                method,
                f"{url}?{urlencode(query)}" if query else url,
                allow=self._allow,
                body=body,
                headers=headers,
            )
        except (httpx.HTTPError, http.EgressRefused, OSError) as error:
            raise SmsDeferred(f"The gateway gave no answer ({type(error).__name__}).") from None
        if answer.status in _LATER or answer.status >= 500:
            raise SmsDeferred(f"The gateway answered {answer.status}.")
        if answer.status >= 300:
            raise SmsRefused(f"The gateway refused the message ({_code(answer.body)}).")
        return _json(answer.body)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        # It may have been taken: asking again finds out.
        raise SmsDeferred("The gateway answered something else than JSON.")
    return found


def _code(body: bytes) -> str:
    """Return the number of an error; its words may repeat the telephone's number."""
    try:
        return f"error {int(json.loads(body)['code'])}"
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def _reference(message: dict[str, Any]) -> str:
    found = message.get("sid")
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9]{1,64}", found):
        raise SmsDeferred("The gateway gave no reference.")
    return found


def _moment(text: object) -> datetime:
    """Return a time of RFC 2822; what can't be read is long ago."""
    try:
        return parsedate_to_datetime(str(text)).astimezone(UTC)
    except (ValueError, TypeError):
        return datetime(1970, 1, 1, tzinfo=UTC)
