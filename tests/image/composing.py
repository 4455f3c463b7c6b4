"""compose.yaml and .env as Compose reads them, as far as we use it; what is not understood here raises an error."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
# What stands in the place of a variable that is not set may be a text with variables of its own.
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])((?:[^{}]|\$\{[^{}]*\})*))?\}")
SECONDS = {"s": 1, "m": 60}
BYTES = {"k": 2**10, "m": 2**20, "g": 2**30}
# What is said about the place of a container among others and says nothing about the container itself.
AROUND = {"image", "build", "depends_on", "restart", "ports", "networks", "logging", "healthcheck"}


@dataclass
class Service:
    """What Compose would have a container of ours be."""

    name: str
    environment: dict[str, str]
    user: str = ""
    command: list[str] = field(default_factory=list)
    read_only: bool = False
    tmpfs: list[str] = field(default_factory=list)
    cap_drop: list[str] = field(default_factory=list)
    security_opt: list[str] = field(default_factory=list)
    pids_limit: int = 0
    memory: int = 0
    stop_seconds: int = 10


def example(**filled: str) -> dict[str, str]:
    """.env.example as an operator leaves it who fills in what it asks for."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    empty = {name for name, value in pairs if not value}
    assert empty <= filled.keys(), f".env.example asks for {empty - filled.keys()} too"
    return dict(pairs) | filled


def filled_in(written: Any, env: dict[str, str]) -> Any:
    """``written`` with each ${NAME}, ${NAME:-default} and ${NAME:?message} in its texts filled in."""
    if isinstance(written, dict):
        return {key: filled_in(value, env) for key, value in written.items()}
    if isinstance(written, list):
        return [filled_in(value, env) for value in written]
    return VARIABLE.sub(lambda match: _value(match, env), written) if isinstance(written, str) else written


def _value(match: re.Match[str], env: dict[str, str]) -> str:
    name, kind, more = match.groups()
    if found := env.get(name):
        return found
    assert kind == "-", f"{name} is not set: {more}"
    return str(filled_in(more, env))


def services(env: dict[str, str]) -> dict[str, Any]:
    """The services as they are written, anchors resolved and variables filled in."""
    found: dict[str, Any] = filled_in(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")), env)
    return found["services"]


def service(name: str, env: dict[str, str]) -> Service:
    """The service ``name``, each of its keys understood."""
    written = dict(services(env)[name])
    assert written.pop("env_file") == ".env"
    for key in AROUND:
        written.pop(key, None)
    environment = env | {key: str(value) for key, value in written.pop("environment").items()}
    memory = written.pop("mem_limit")
    grace = written.pop("stop_grace_period", "10s")
    return Service(
        name,
        environment,
        memory=int(memory[:-1]) * BYTES[memory[-1]],
        stop_seconds=int(grace[:-1]) * SECONDS[grace[-1]],
        **written,
    )


def variables() -> set[str]:
    """The names that compose.yaml fills in."""
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
