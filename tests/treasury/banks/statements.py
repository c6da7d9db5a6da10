"""Statements of a bank for tests, written by hand after ISO 20022 and SWIFT's handbook."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

IBAN = "DE89370400440532013000"


@dataclass(frozen=True)
class Wire:
    """A booked line: money in is positive."""

    amount: str
    purpose: str = ""
    name: str = ""
    end_to_end: str = "NOTPROVIDED"
    bank_reference: str = ""
    day: str = "2026-11-27"


def camt(
    *wires: Wire,
    number: str = IBAN,
    currency: str = "EUR",
    opening: str = "0.00",
    statement: str = "S-1",
    version: str = "08",
) -> bytes:
    """Return a camt.053 whose closing balance follows from its lines."""
    closing = Decimal(opening) + sum((Decimal(one.amount) for one in wires), Decimal(0))
    body = "".join(_entry(one, currency, version) for one in wires)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>
<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-28T06:00:00+01:00</CreDtTm></GrpHdr>
<Stmt><Id>{statement}</Id><ElctrncSeqNb>231</ElctrncSeqNb>
<CreDtTm>2026-11-28T06:00:00+01:00</CreDtTm>
<Acct><Id><IBAN>{number}</IBAN></Id><Ccy>{currency}</Ccy></Acct>
{_balance("OPBD", opening, currency)}{_balance("CLBD", str(closing), currency)}
{body}</Stmt></BkToCstmrStmt></Document>""".encode()


def _balance(kind: str, amount: str, currency: str) -> str:
    mark = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount.removeprefix("-")}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'
        "<Dt><Dt>2026-11-27</Dt></Dt></Bal>"
    )


def _entry(one: Wire, currency: str, version: str) -> str:
    out = one.amount.startswith("-")
    party = "Cdtr" if out else "Dbtr"
    name = f"<Nm>{one.name}</Nm>"
    if version != "02":
        name = f"<Pty>{name}</Pty>"
    status = "BOOK" if version == "02" else "<Cd>BOOK</Cd>"
    reference = f"<AcctSvcrRef>{one.bank_reference}</AcctSvcrRef>" if one.bank_reference else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{one.amount.removeprefix("-")}</Amt>'
        f"<CdtDbtInd>{'DBIT' if out else 'CRDT'}</CdtDbtInd><Sts>{status}</Sts>"
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.day}</Dt></ValDt>{reference}"
        "<NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{one.end_to_end}</EndToEndId></Refs>"
        f"<RltdPties>{f'<{party}>{name}</{party}>' if one.name else ''}</RltdPties>"
        f"<RmtInf><Ustrd>{one.purpose}</Ustrd></RmtInf>"
        "</TxDtls></NtryDtls></Ntry>"
    )


def mt940(*wires: Wire, number: str = IBAN, currency: str = "EUR", opening: str = "0.00") -> bytes:
    """Return an MT940 with structured field 86, as German banks write it."""
    closing = Decimal(opening) + sum((Decimal(one.amount) for one in wires), Decimal(0))
    lines = "".join(_field61(one) for one in wires)
    text = (
        f":20:STARTUMS\r\n:25:{number}\r\n:28C:231/1\r\n"
        f":60F:{_swift(opening)[0]}261126{currency}{_swift(opening)[1]}\r\n{lines}"
        f":62F:{_swift(str(closing))[0]}261127{currency}{_swift(str(closing))[1]}\r\n-\r\n"
    )
    return text.encode()


def _swift(amount: str) -> tuple[str, str]:
    mark = "D" if amount.startswith("-") else "C"
    return mark, amount.removeprefix("-").replace(".", ",")


def _field61(one: Wire) -> str:
    mark, amount = _swift(one.amount)
    year, month, day = one.day.split("-")
    reference = f"//{one.bank_reference}" if one.bank_reference else ""
    purpose = f"?20EREF+{one.end_to_end}?21SVWZ+{one.purpose}"
    name = f"?32{one.name[:27]}" if one.name else ""
    return (
        f":61:{year[2:]}{month}{day}{month}{day}{mark}{amount}NTRFNONREF{reference}\r\n"
        f":86:166?00GUTSCHRIFT{purpose}{name}\r\n"
    )
