"""The packages that the bench runs: pinned, fetched by npm, read without unpacking them."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

STORE = Path(__file__).resolve().parent.parent / "var" / "bench"


class NotFetched(Exception):
    """A package could not be had; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """A version of a package, and the SHA-512 of its archive as the registry states it."""

    name: str
    version: str
    integrity: str

    def read(self, path: str) -> bytes:
        """The file ``path`` of the package."""
        with tarfile.open(self._archive()) as archive:
            file = archive.extractfile(f"package/{path}")
            if file is None:
                raise NotFetched(f"{self.name} {self.version} holds no file {path}.")
            return file.read()

    def _archive(self) -> Path:
        # As npm names the archive of "@owner/name".
        path = STORE / f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"
        if not path.exists():
            self._fetch()
        digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != self.integrity:
            raise NotFetched(f"{path} is not what was pinned. Remove it and try again.")
        return path

    def _fetch(self) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise NotFetched("npm is needed to compare with others (on Debian and Ubuntu: apt-get install npm).")
        STORE.mkdir(parents=True, exist_ok=True)
        # Packing runs no script of the package, and installs nothing that it depends on.
        command = [npm, "pack", "--silent", "--ignore-scripts", f"{self.name}@{self.version}"]
        done = subprocess.run(command, cwd=STORE, capture_output=True, text=True)  # noqa: S603 - pinned above
        if done.returncode:
            raise NotFetched(f"npm could not fetch {self.name} {self.version}: {done.stderr.strip()[-300:]}")


COOKIECONSENT = Package(
    "vanilla-cookieconsent",
    "3.1.0",
    "sha512-/McNRtm/3IXzb9dhqMIcbquoU45SzbN2VB+To4jxEPqMmp7uVniP6BhGLjU8MC7ZCDsNQVOp27fhQTM/ruIXAA==",
)
KLARO = Package(
    "klaro",
    "0.7.22",
    "sha512-NkaFxS4S8160/zH1UQzCSYIIsAtwIDHIkJ7xofCrgRqk14OSY+OJuwCjYyW+q5fmIeF4RvsuBH6brPe2BS9Z0A==",
)
TARTEAUCITRON = Package(
    "tarteaucitronjs",
    "1.34.0",
    "sha512-PEzKEjOLC06zCWSZB1RuQkSlzbDYXSKohv0XD7BMjgfE/M+LhiWLTdNAj47VW9xcVsuQCSvLpR/gqkripHaU6g==",
)
AUTOCONSENT = Package(
    "@duckduckgo/autoconsent",
    "16.23.0",
    "sha512-NTmDhASFf5pUsSwg2TyT9R75GYUcuYZXPyBnRcYgJgozg6RLeXXP9uH8ADxA364yQ2gJBMu83AN/D24Y4nkPKg==",
)
