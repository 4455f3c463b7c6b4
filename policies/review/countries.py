"""Which countries the GDPR treats alike: those of the EEA, and those with an adequacy decision."""

from typing import Any

EEA = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO",
}  # fmt: skip

# Decisions under Art. 45 GDPR in force on 5 August 2026, as the European Commission lists them. That for
# Canada covers commercial organisations only. Not here: the United States, which are covered no
# further than a recipient's own certification under the Data Privacy Framework goes.
ADEQUATE = {"AD", "AR", "BR", "CA", "CH", "FO", "GB", "GG", "IL", "IM", "JE", "JP", "KR", "NZ", "UY"}

Country = dict[str, Any] | None  # of ``snapshot.country``


def lies_outside(country: Country) -> bool:
    """Whether ``country`` is known and outside the EEA."""
    return country is not None and country["code"] not in EEA


def is_covered(code: str, instruments: set[str]) -> bool:
    """Whether one of the ``instruments`` (``TransferSafeguard.Instrument``) allows a transfer to that country."""
    if code in EEA or instruments & {"scc", "bcr", "derogation"}:
        return True
    return ("adequacy" in instruments and code in ADEQUATE) or ("dpf" in instruments and code == "US")
