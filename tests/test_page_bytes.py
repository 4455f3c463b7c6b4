"""What the statement weighs on its way to a phone."""

import re
from pathlib import Path

import brotli
import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST = 30 * 1024


@pytest.mark.parametrize("url", ["/en/statement/", "/nl/verklaring/"])
def test_the_statement_with_its_styles_fits_in_30_kilobytes(published, client, url):
    page = client.get(url, headers={"accept-encoding": "br"})
    html = brotli.decompress(page.content).decode()
    styles = re.findall(r'<link rel="stylesheet" href="/static/([^"]+)"', html)

    sheets = [brotli.compress((ROOT / "static" / name).read_bytes()) for name in styles]

    assert "policies/page.css" in styles
    assert len(page.content) + sum(map(len, sheets)) <= MOST
