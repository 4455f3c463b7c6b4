"""What holds for the files themselves: layers, locked versions, documents that tell the truth."""

import ast
import json
import os
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from django.db import connection

from scripts import messages

from .image import composing

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ["retention", "policies", "consent"]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LOCKS = ["run.txt", "dev.txt", "sbom.txt"]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


# -- Layers --------------------------------------------------------------------------------------


def imports(path):
    """(line, top-level package) of each import in ``path``, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module.split(".")[0]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_floor_imports_from_a_floor_above_it(floor):
    """consent → policies → retention; the project wires them and is imported by none."""
    above = {*FLOORS[FLOORS.index(floor) + 1 :], "privacy_site", "tests", "scripts"}
    files = sorted((ROOT / floor).rglob("*.py"))
    assert files

    upward = [
        f"{path.relative_to(ROOT)}:{line} imports {package}: {path.read_text().splitlines()[line - 1].strip()}"
        for path in files
        for line, package in imports(path)
        if package in above
    ]

    assert upward == []


def test_the_upper_floors_do_stand_on_the_lower():
    """So that the test above is looking at imports that exist."""
    packages = {floor: {name for path in (ROOT / floor).rglob("*.py") for _, name in imports(path)} for floor in FLOORS}

    assert "retention" in packages["policies"]
    assert "policies" in packages["consent"]


# -- Dependencies --------------------------------------------------------------------------------


PIN = re.compile(r"^([a-z0-9][\w.\-]*(?:\[[\w,]+\])?)==([^\s;\\]+)", re.MULTILINE)


def pins(name):
    """Package → version in a lock file."""
    return dict(PIN.findall(read(f"requirements/{name}")))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_registry(name):
    text = read(f"requirements/{name}")

    assert "://" not in text
    assert re.search(r"^\s*--(?!hash)", text, re.MULTILINE) is None


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes(name):
    text = read(f"requirements/{name}")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    # One package may be there twice, for an older and a newer Python.
    assert len(blocks) == len(PIN.findall(text))
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_tests_run_on_the_versions_that_are_deployed():
    run, dev = pins("run.txt"), pins("dev.txt")

    assert {name: (version, dev.get(name)) for name, version in run.items() if dev.get(name) != version} == {}


def test_every_dependency_is_locked():
    project = tomllib.loads(read("pyproject.toml"))
    for wanted, lock in (
        (project["project"]["dependencies"], "run.txt"),
        (project["dependency-groups"]["dev"], "dev.txt"),
        (project["dependency-groups"]["sbom"], "sbom.txt"),
    ):
        names = {re.split(r"[\[~=<>! ]", item)[0].lower().replace("_", "-") for item in wanted}
        locked = {name.split("[")[0] for name in pins(lock)}
        assert names - locked == set()


def test_every_dependency_says_what_it_is_for():
    """At run time each by a comment of its own; for development each group of lines."""
    silent, section, before = [], "", ""
    for line in map(str.strip, read("pyproject.toml").splitlines()):
        if opened := re.fullmatch(r"(dependencies|dev|sbom) = \[", line):
            section = opened[1]
        elif line == "]":
            section = ""
        elif line.startswith('"') and not before.startswith("#"):
            is_in_group = section == "dev" and before.startswith('"')
            if section and not is_in_group:
                silent.append(line)
        before = line

    assert silent == []


# -- Configuration -------------------------------------------------------------------------------


def test_the_example_names_every_variable_that_is_read_and_no_other():
    settings, server = read("privacy_site/settings.py"), read("gunicorn.conf.py")
    in_settings = set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', settings))
    assert in_settings >= {"PUBLIC_URL", "SECRET_KEY", "CONSENT_RATE_LIMIT"}
    if "env.db(" in settings:
        in_settings.add("DATABASE_URL")
    set_by_server = set(re.findall(r'environ\["([A-Z_]+)"\] = ', server))
    in_server = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', server)) - set_by_server
    in_compose = composing.variables()

    named = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", read(".env.example"), re.MULTILINE))

    assert named == in_settings | in_server | in_compose


def test_every_variable_in_the_example_has_a_sentence():
    silent = []
    before = ""
    for line in read(".env.example").splitlines():
        if re.match(r"(# )?[A-Z][A-Z_]+=", line) and not (before.startswith("# ") and len(before) > 12):
            silent.append(line)
        before = line

    assert silent == []


@pytest.mark.django_db
def test_the_tests_run_on_the_postgresql_that_is_deployed():
    major = int(COMPOSE["services"]["database"]["image"].removeprefix("postgres:"))

    assert f"PostgreSQL {major}" in read("docs/operator.md")
    if connection.vendor == "postgresql" and os.environ.get("CI") == "true":
        with connection.temporary_connection():
            assert connection.pg_version // 10_000 == major


# -- The image -----------------------------------------------------------------------------------


def instruction(name):
    """The arguments of the last ``name`` in the Dockerfile, continuation lines joined."""
    return re.findall(rf"^{name} (.+)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)[-1]


def test_the_image_runs_as_a_numbered_user_who_is_not_root():
    user, group = instruction("USER").split(":")

    assert int(user) > 0
    assert int(group) > 0


def test_the_base_of_the_image_is_an_argument():
    assert instruction("ARG") == "PYTHON_IMAGE=python:3.13-slim"
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_everything_that_is_copied_exists_and_passes_the_ignore_file():
    sent = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    sources = {name for line in copied for name in line.split()[:-1]}

    assert sources == sent
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_every_app_is_in_the_image():
    from django.apps import apps

    ours = {Path(app.path).relative_to(ROOT).parts[0] for app in apps.get_app_configs() if _is_ours(app)}

    assert ours >= set(FLOORS)
    assert {f"COPY {name} {name}" for name in {*ours, "privacy_site"}} <= set(DOCKERFILE.splitlines())


def _is_ours(app):
    return Path(app.path).is_relative_to(ROOT) and ".venv" not in app.path


def test_the_image_serves_and_checks_itself_by_files_that_exist():
    command = json.loads(instruction("CMD"))
    health = json.loads(instruction("HEALTHCHECK").split("CMD", 1)[1])

    assert command == ["gunicorn", "--config", "gunicorn.conf.py"]
    assert health[0] == "python"
    assert (ROOT / health[1]).is_file()


@pytest.fixture
def env():
    """What an operator has in .env who filled in what .env.example asks for."""
    return composing.example(
        PUBLIC_URL="https://privacy.example.nl", SECRET_KEY="k" * 50, POSTGRES_PASSWORD="opensesame"
    )


OURS = ["migrate", "web", "scheduler"]


def test_compose_starts_a_database_and_containers_of_ours():
    assert list(COMPOSE["services"]) == ["database", *OURS]


@pytest.mark.parametrize("name", OURS)
def test_containers_of_ours_can_write_nothing_but_tmp_and_take_no_more_than_their_share(name, env):
    service = composing.service(name, env)

    assert service.read_only is True
    assert service.tmpfs == ["/tmp"]  # noqa: S108 - the container's own
    assert service.user == instruction("USER")
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]
    assert service.memory >= 2**30
    assert 0 < service.pids_limit < 1000
    assert "volumes" not in COMPOSE["services"][name]


def test_containers_are_given_no_secret_that_they_do_not_use(env):
    env |= {"SEAL_SIGNING_KEY": "only to sign"}
    given = {name: composing.service(name, env).environment for name in OURS}

    # The password is part of the address, and that alone.
    assert {name for name, variables in given.items() if variables["POSTGRES_PASSWORD"]} == set()
    assert {variables["DATABASE_URL"] for variables in given.values()} == {
        "postgres://privacy:opensesame@database:5432/privacy"
    }
    assert {name for name, variables in given.items() if variables["SEAL_SIGNING_KEY"]} == {"scheduler"}


def test_a_password_that_was_not_filled_in_stops_compose(env):
    del env["POSTGRES_PASSWORD"]

    with pytest.raises(AssertionError, match=r"Set POSTGRES_PASSWORD in \.env"):
        composing.services(env)


@pytest.mark.parametrize("name", [name for name in OURS if name != "web"])
def test_the_commands_of_the_services_exist(name, env):
    from django.core.management import get_commands

    program, script, command, *_ = composing.service(name, env).command

    assert (program, script) == ("python", "manage.py")
    assert command in get_commands()


def test_the_services_run_what_the_image_and_the_documents_say():
    services = COMPOSE["services"]

    assert "command" not in services["web"]
    assert "healthcheck" not in services["web"]
    for name in ("migrate", "scheduler"):
        assert " ".join(services[name]["command"]).removeprefix("python ") in read("docs/operator.md")
    assert services["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    for name in ("web", "scheduler"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_what_ends_by_accident_is_started_again_and_the_one_shot_is_not():
    restarts = {name: service["restart"] for name, service in COMPOSE["services"].items()}

    assert restarts == dict.fromkeys(restarts, "unless-stopped") | {"migrate": "no"}


def test_a_container_is_given_longer_to_stop_than_its_server_takes(env):
    graceful = int(re.search(r"^graceful_timeout = (\d+)", read("gunicorn.conf.py"), re.MULTILINE)[1])

    assert composing.service("web", env).stop_seconds > graceful
    assert composing.service("scheduler", env).stop_seconds >= 30


def test_what_containers_say_does_not_fill_the_disk():
    for service in COMPOSE["services"].values():
        assert service["logging"]["driver"] == "local"
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_the_database_is_reachable_for_the_services_alone_and_reaches_nobody():
    services = COMPOSE["services"]

    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])
    assert services["database"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"]["internal"] is True
    assert all("database" in services[name]["networks"] for name in OURS)


# -- Words ---------------------------------------------------------------------------------------


def test_the_dutch_catalogue_is_complete():
    sources = messages.in_sources()
    assert len(sources) > 100
    assert [path.parts[-3] for path in messages.CATALOGUES] == ["nl"]

    assert messages.faults(messages.CATALOGUES[0], sources) == []


def test_an_untranslated_fuzzy_or_forgotten_sentence_is_noticed(tmp_path, monkeypatch):
    catalogue = tmp_path / "django.po"
    catalogue.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "Good %(name)s"\nmsgstr "Goed %(name)s"\n\n'
        'msgid "Empty"\nmsgstr ""\n\n'
        '#, fuzzy\nmsgid "Guessed"\nmsgstr "Gegokt"\n\n'
        'msgid "Other %(name)s"\nmsgstr "Ander %(naam)s"\n\n'
        'msgid "Gone"\nmsgstr "Weg"\n\n'
        '#~ msgid "Long gone"\n#~ msgstr "Lang weg"\n'
    )
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    sources = {("", text, ""): ["a.py"] for text in ("Good %(name)s", "Empty", "Guessed", "Other %(name)s", "New")}

    found = [re.search(r"“(.+?)” (.+)", line).groups() for line in messages.faults(catalogue, sources)]

    assert found == [
        ("New", "is not in the catalogue (make messages)"),
        ("Empty", "is not translated"),
        ("Guessed", "is marked fuzzy"),
        ("Other %(name)s", "has a placeholder in its translation that the source has not"),
        ("Gone", "stands nowhere any more"),
        ("Long gone", "stands nowhere any more"),
    ]


# -- Documents -----------------------------------------------------------------------------------


def anchors(text):
    """The anchors that a Markdown page gives its headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_the_documents_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        if not linked.exists() or (anchor and anchor not in anchors(linked.read_text(encoding="utf-8"))):
            broken.append(target)

    assert broken == []


def test_there_are_documents_for_everybody():
    names = {str(path.relative_to(ROOT)) for path in DOCUMENTS}

    assert names >= {
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/officer.md",
        "docs/developer.md",
        "docs/operator.md",
        "docs/content-file.md",
    }


@pytest.mark.parametrize("name", ["README.md", "docs/officer.md", "docs/developer.md", "docs/operator.md"])
def test_commands_in_the_documents_exist(name):
    from django.core.management import get_commands

    text = read(name)
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    commands = set(get_commands())

    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) - commands == set()
    assert set(re.findall(r"`make ([a-z]+)", text)) - targets == set()


def test_variables_in_the_documents_exist():
    named = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", read(".env.example"), re.MULTILINE))
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", read("docs/operator.md"), re.MULTILINE))

    assert told
    assert told - named == set()


def test_decisions_are_numbered_without_a_gap_and_say_what_was_turned_down():
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))

    headings = {path.name: re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) for path in files}

    expected = ["Situation", "Decision", "Turned down", "Price"]
    assert {name: found for name, found in headings.items() if found != expected} == {}


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    public = yaml.safe_load(read("publiccode.yml"))

    assert public["softwareVersion"] == version
    assert re.search(rf"^## {re.escape(version)}\b", read("CHANGELOG.md"), re.MULTILINE)
    assert f'org.opencontainers.image.version="{version}"' in instruction("LABEL")


def test_publiccode_describes_the_product_in_both_languages():
    public = yaml.safe_load(read("publiccode.yml"))

    assert public["legal"]["license"] == "MIT"
    assert public["localisation"]["availableLanguages"] == ["en", "nl"]
    description = public["description"]
    assert sorted(description) == ["en", "nl"]
    for text in description.values():
        assert len(text["shortDescription"]) <= 150
        assert 150 <= len(text["longDescription"]) <= 10_000
        assert text["features"]
    assert len(description["en"]["features"]) == len(description["nl"]["features"])


def test_no_two_tests_of_a_file_have_the_same_name():
    """The second would hide the first."""
    twice = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = Counter(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
        twice += [f"{path.name}: {name}" for name, count in names.items() if count > 1]

    assert twice == []
