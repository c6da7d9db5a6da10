"""A list as a file: CSV or XLSX whose cells are values, never formulas.

Both are made from rows that were read already; the answer of a request leaves only after its
transaction has ended, so a file is held in memory and its rows are capped.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, cast

import xlsxwriter
from litestar import Response

from kernel.errors import InvalidInput

ROWS_MAX = 50_000
REASON_MIN = 5
REASON_MAX = 400
Format = Literal["csv", "xlsx"]
Cell = str | int | Decimal | datetime | None
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What a spreadsheet reads as the start of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def wanted(values: dict[str, str], *, reasoned: bool = True) -> tuple[Format, str]:
    """Return the format and the reason that a form asks with; raise InvalidInput without them.

    Files of one's own data are not `reasoned`.
    """
    errors = {}
    if values.get("format") not in MEDIA_TYPES:
        errors["format"] = "Choose CSV or XLSX."
    reason = values.get("reason", "")
    if reasoned and not REASON_MIN <= len(reason) <= REASON_MAX:
        errors["reason"] = "Say in 5 to 400 characters what the file is for."
    if errors:
        raise InvalidInput(errors, "Nothing was exported.")
    return cast("Format", values["format"]), reason


def require_within_cap(count: int, *, cap: int = ROWS_MAX) -> None:
    """Raise InvalidInput when a list is longer than a file may be: no half list goes out."""
    if count > cap:
        raise InvalidInput(
            {"format": f"A file holds at most {cap:,} rows. Narrow the list by a filter."},
            "Nothing was exported.",
        )


async def file(
    name: str, kind: Format, heads: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> Response[bytes]:
    """Return the answer that saves a file; it is made beside the loop that serves others."""
    make = as_csv if kind == "csv" else as_xlsx
    body = await asyncio.to_thread(make, heads, rows)
    return Response(
        body,
        status_code=200,
        media_type=MEDIA_TYPES[kind],
        headers={
            "content-disposition": f'attachment; filename="{name}.{kind}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write UTF-8 with a byte order mark, so that spreadsheets read names as they are."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return _utc(cell)
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
    # Numbers are ours: a minus before digits is no formula.
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def as_xlsx(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write one sheet; texts are texts, moments are UTC, numbers are numbers.

    A Decimal goes into a cell only when the cell's binary number gives it back unchanged;
    otherwise it is written as text, so that no amount is rounded.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    sheet = book.add_worksheet("List")
    bold = book.add_format({"bold": True})
    for at, head in enumerate(heads):
        sheet.write_string(0, at, head, bold)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(0, len(heads) - 1), 18)
    for down, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            if cell is None:
                continue
            if isinstance(cell, datetime):
                sheet.write_string(down, at, _utc(cell))
            elif isinstance(cell, str):
                sheet.write_string(down, at, cell)
            elif isinstance(cell, int) or _exact(cell):
                sheet.write_number(down, at, cell)
            else:
                sheet.write_string(down, at, format(cell, "f"))
    book.close()
    return target.getvalue()


def _exact(cell: Decimal) -> bool:
    # A spreadsheet's cell holds 15 significant digits.
    return len(cell.normalize().as_tuple().digits) <= 15


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
