"""The real Dockerfile built by buildah, without a daemon, on a base that debootstrap makes and that is kept.

It takes Debian and root. TEST_PYTHON_IMAGE names another base, such as python:3.13-slim, where a registry can be
reached.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "privacy-site" / "image"
# The release of Debian whose Python is that of the Dockerfile's own base.
SUITE = "trixie"
BASE = f"localhost/privacy-base:{SUITE}"
PACKAGES = "python3,python3-venv,ca-certificates"
# What the slim images of Debian leave out too.
LEFT_OUT = ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "var/log"]
# Whom this machine trusts, in the place where the base looks too.
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
MINUTES = 60


@dataclass
class Image:
    """An image, its files and what it says about itself."""

    tag: str
    container: str
    rootfs: Path
    config: dict[str, Any]
    healthcheck: list[str]

    def bytes_under(self, *names: str) -> int:
        """What the files under these directories hold, each file once however many names it has."""
        found = (path.lstat() for name in names for path in (self.rootfs / name).rglob("*") if not path.is_dir())
        return sum({(file.st_dev, file.st_ino): file.st_size for file in found}.values())


def buildah(*arguments: str, minutes: int = 2) -> str:
    command = ["buildah", "--root", str(CACHE / "store"), "--runroot", str(CACHE / "run"), "--storage-driver", "vfs"]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=minutes * MINUTES
    )
    assert done.returncode == 0, f"buildah {arguments[0]}: {(done.stdout + done.stderr)[-4000:]}"
    return done.stdout.strip()


def build(scratch: Path) -> Image:
    """The image of this tree; ``remove`` it afterwards."""
    base = os.environ.get("TEST_PYTHON_IMAGE") or _own_base(scratch)
    tag = f"localhost/privacy-site:{uuid.uuid4().hex[:12]}"
    mounts = [f"--volume={mount}" for mount in _what_pip_needs(scratch)]
    plain = ["--isolation=chroot", "--network=host", "--format=docker", "--layers=false", "--quiet"]
    buildah("bud", *plain, *mounts, f"--build-arg=PYTHON_IMAGE={base}", f"--tag={tag}", str(ROOT), minutes=6)
    container = buildah("from", tag)
    described = json.loads(buildah("inspect", "--type=image", tag))
    return Image(
        tag=tag,
        container=container,
        rootfs=Path(buildah("mount", container)),
        config=described["OCIv1"]["config"],
        healthcheck=described["Docker"]["config"]["Healthcheck"]["Test"],
    )


def remove(image: Image) -> None:
    buildah("rm", image.container)
    buildah("rmi", "--force", image.tag)


def _own_base(scratch: Path) -> str:
    """Debian with its Python, kept between runs."""
    if BASE in buildah("images", "--format={{.Name}}:{{.Tag}}").split():
        return BASE
    tree = scratch / "base"
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(tree), _mirror()]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=5 * MINUTES)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    for name in LEFT_OUT:
        shutil.rmtree(tree / name)
    container = buildah("from", "scratch")
    buildah("add", container, f"{tree}/", "/")
    buildah("config", "--env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    buildah("commit", "--rm", container, BASE)
    shutil.rmtree(tree)
    return BASE


def _mirror() -> str:
    """Where this machine has its own packages from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]


def _what_pip_needs(scratch: Path) -> list[str]:
    """How pip is told on this machine where packages are, as mounts: its settings, and every local path among them."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    settings: dict[str, str] = {}
    paths = {AUTHORITIES}
    for line in sorted(listed):  # ":env:" comes before "global": files win nothing over the environment
        name, written = line.split("=", 1)
        value = " ".join(ast.literal_eval(written).split())
        settings.setdefault(name.rpartition(".")[2], value)
        paths |= {Path(word) for word in value.split() if word.startswith("/")}
        # An index points at files that lie beside it.
        paths |= {Path(word.removeprefix("file://")).parent for word in value.split() if word.startswith("file:///")}
    file = scratch / "pip.conf"
    file.write_text("\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""]))
    local = [path for path in sorted(paths) if path.exists()]
    return [f"{file}:/etc/pip.conf:ro", *(f"{path}:{path}:ro" for path in local)]
