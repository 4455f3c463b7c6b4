"""Tables for the programs of an office: CSV and XLSX in which no text runs as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

Value = str | date | datetime | None

# A program that reads UTF-8 as something else turns ë into Ã«; this mark at the start stops that.
BYTE_ORDER_MARK = "\ufeff"
# With these a text would be taken for a formula, also after a blank or a tab.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width, as some type them
HEADING = PatternFill("solid", fgColor="DCE6EA")
RULE = Border(bottom=Side(style="thin", color="1D4E66"))


def csv_lines(header: list[str], rows: Iterable[list[Value]]) -> Iterator[str]:
    """A CSV file, line by line, so that a long one need not be in memory."""
    yield BYTE_ORDER_MARK + _line(header)
    for row in rows:
        yield _line(row)


def _line(values: Iterable[Value]) -> str:
    written = io.StringIO()
    # Semicolons: what the spreadsheets of a Dutch office expect, and others recognise.
    csv.writer(written, delimiter=";").writerow([_in_csv(value) for value in values])
    return written.getvalue()


def _in_csv(value: Value) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    text = value or ""
    # The apostrophe is what a spreadsheet itself puts before a text that looks like a formula.
    return f"'{text}" if text.lstrip(" \n").startswith(FORMULA) else text


def workbook(
    *, title: str, language: str, header: list[str], widths: list[int], rows: Iterable[list[Value]], about: list[str]
) -> bytes:
    """One sheet with a frozen header, and a second that says what it is: a line for each of ``about``."""
    book = Workbook()
    book.properties.title = title
    book.properties.language = language
    sheet: Any = book.active
    sheet.title = title[:31]  # no program takes more
    for place, (label, width) in enumerate(zip(header, widths, strict=True), start=1):
        cell = sheet.cell(row=1, column=place)
        _write(cell, label)
        cell.font, cell.fill, cell.border = Font(bold=True), HEADING, RULE
        sheet.column_dimensions[get_column_letter(place)].width = width
    for line, row in enumerate(rows, start=2):
        for place, value in enumerate(row, start=1):
            _write(sheet.cell(row=line, column=place), value)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A3
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    explanation = book.create_sheet("i")
    explanation.column_dimensions["A"].width = 100
    for line, text in enumerate([title, *about], start=1):
        _write(explanation.cell(row=line, column=1), text)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _write(cell: Any, value: Value) -> None:
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if isinstance(value, date):
        cell.value = value
        cell.number_format = "d mmm yyyy"
    elif value:
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"  # a text, whatever it begins with ...
        cell.quotePrefix = value.lstrip(" \n").startswith(FORMULA)  # ... and still one when somebody edits it
