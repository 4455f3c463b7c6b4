"""Containers as Docker would start them: by runc, from what compose.yaml says, on the files of the image.

Enforced: read-only root, tmpfs, user, no capabilities, no new privileges, limits of memory and of processes, being
process 1. Not: networks (the machine's own, so that tests can knock), the logging driver, Docker's list of
system calls.
"""

import json
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .building import Image
from .composing import Service

KERNEL = [
    ("/proc", "proc", ["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", ["nosuid", "mode=755", "size=65536k"]),
    ("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),  # noqa: S108 - the container's
    ("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
]


@dataclass
class Container:
    """One container of ``service``; ``changed`` are variables that a test needs otherwise, such as a free port."""

    image: Image
    service: Service
    directory: Path
    changed: dict[str, str] = field(default_factory=dict)
    mounts: list[tuple[str, str]] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"privacy-{uuid.uuid4().hex[:12]}")
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def bundle(self) -> Path:
        return self.directory / self.name

    @property
    def log(self) -> str:
        return (self.bundle / "log").read_text(encoding="utf-8")

    def start(self, *command: str) -> "Container":
        """With the service's command, or the image's where it has none, or another as ``compose run`` would."""
        self.bundle.mkdir(parents=True)
        arguments = list(command) or self.service.command or self.image.config["Cmd"]
        (self.bundle / "config.json").write_text(json.dumps(self._specification(arguments)))
        with (self.bundle / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self._runc, "run", "--bundle", str(self.bundle), self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def run(self, *command: str, seconds: int = 60) -> str:
        """Start, wait for the end and return what it said; it must have gone well."""
        try:
            code = self.start(*command).wait(seconds)
            assert code == 0, self.log
            return self.log
        finally:
            self.remove()

    def execute(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command beside the one that runs, with its user and its variables, as for a health check."""
        return subprocess.run(
            [*self._runc, "exec", self.name, *command], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def wait(self, seconds: float) -> int:
        assert self.process is not None
        return self.process.wait(timeout=seconds)

    def ask_to_stop(self) -> None:
        subprocess.run([*self._runc, "kill", self.name, self.image.config["StopSignal"]], check=True)

    def stop(self) -> float:
        """Ask it to stop; the seconds that it took, which are within what the service is granted."""
        begun = time.monotonic()
        self.ask_to_stop()
        assert self.wait(self.service.stop_seconds) == 0, self.log
        return time.monotonic() - begun

    def most_memory(self) -> int:
        """The most bytes that it has had in use at once."""
        stats = subprocess.run([*self._runc, "events", "--stats", self.name], check=True, capture_output=True)
        return int(json.loads(stats.stdout)["data"]["memory"]["usage"]["max"])

    def remove(self) -> None:
        """Whatever it is doing, being started included."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)
        subprocess.run([*self._runc, "delete", "--force", self.name], capture_output=True)

    @property
    def _runc(self) -> list[str]:
        return ["runc", "--root", str(self.directory / "runc")]

    def _specification(self, arguments: list[str]) -> dict[str, Any]:
        service = self.service
        assert service.cap_drop == ["ALL"]
        assert service.security_opt == ["no-new-privileges:true"]
        image = dict(pair.split("=", 1) for pair in self.image.config["Env"])
        environment = image | service.environment | self.changed
        uid, gid = (int(number) for number in service.user.split(":"))
        nothing: dict[str, list[str]] = {
            kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")
        }
        kernel = [*KERNEL, *((path, "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777"]) for path in service.tmpfs)]
        return {
            "ociVersion": "1.0.2",
            "hostname": service.name,
            "process": {
                "user": {"uid": uid, "gid": gid, "additionalGids": [gid]},
                "args": arguments,
                "env": [f"{name}={value}" for name, value in environment.items()],
                "cwd": self.image.config["WorkingDir"],
                "capabilities": nothing,
                "noNewPrivileges": True,
            },
            "root": {"path": str(self.image.rootfs), "readonly": service.read_only},
            "mounts": [
                *({"destination": path, "type": kind, "source": kind, "options": how} for path, kind, how in kernel),
                *(
                    {"destination": to, "type": "bind", "source": source, "options": ["rbind", "ro"]}
                    for source, to in self.mounts
                ),
            ],
            "linux": {
                "cgroupsPath": f"/{self.name}",
                "resources": {
                    "devices": [{"allow": False, "access": "rwm"}],
                    "memory": {"limit": service.memory},
                    "pids": {"limit": service.pids_limit},
                },
                # The network is the machine's.
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
                "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            },
        }
