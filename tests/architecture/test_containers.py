"""The compose file and the Dockerfile fit the code: services, commands, settings, secrets, limits.

Docker is not needed: what only a running Docker can say is not claimed here.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from nashr import settings, steps
from nashr.runtime import services
from nashr.runtime.services import MALLOC, SERVICES, ServiceSpec
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
READY_FILE = "NASHR_READY_FILE"
SERVERS = frozenset({"postgres", "valkey", "store"})
OURS = frozenset({spec.name for spec in SERVICES})
_VARIABLE = re.compile(r"\bNASHR_[A-Z0-9_]*[A-Z0-9]\b")
_ASKED = re.compile(r"\$\{([A-Z0-9_]+)(:[?-])?")
_GIVEN = re.compile(r"^([A-Z0-9_]+)=(.*)$", re.MULTILINE)

Service: TypeAlias = Mapping[str, Any]
Compose: TypeAlias = Mapping[str, Any]

every_service = pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)


@pytest.fixture(scope="module")
def compose() -> Compose:
    """The compose file; a key given twice is an error."""
    return dict(YAML(typ="safe").load(FILE.read_text("utf-8")))


def test_the_file_is_valid() -> None:
    """It keeps to the schema of the Compose specification."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_there(compose: Compose) -> None:
    """What ``nashr up`` starts runs here too, with the servers it needs and the one-shot migration."""
    assert set(compose["services"]) == OURS | SERVERS | {"migrate"}
    assert set(steps.SERVICES) < OURS


@every_service
def test_commands_are_the_supervisors(compose: Compose, spec: ServiceSpec) -> None:
    """A container runs what ``nashr up`` runs, and it exists."""
    program = services.program(spec, settings=settings.load(), written=frozenset())

    assert compose["services"][spec.name]["command"] == ["python", *program.argv[1:]]
    assert callable(importlib.import_module(spec.module).main)


def test_the_migration_is_a_command(compose: Compose) -> None:
    """``migrate`` runs a command that nashr has, once."""
    migrate = compose["services"]["migrate"]
    done = subprocess.run(
        [Path(sys.executable).with_name("nashr"), *migrate["command"][1:], "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert migrate["command"][0] == "nashr"
    assert migrate["restart"] == "no"
    assert done.returncode == 0, done.stderr


def test_references_lead_somewhere(compose: Compose) -> None:
    """Every service, volume and network that is referred to is defined, and each of them is used."""
    found = list(_services(compose))
    networks = {name for _, service in found for name in service["networks"]}
    volumes = {volume.split(":")[0] for _, service in found for volume in service.get("volumes", ())}
    awaited = {name for _, service in found for name in service.get("depends_on", ())}

    assert networks == set(compose["networks"])
    assert volumes == set(compose["volumes"])
    assert awaited <= set(compose["services"])


@every_service
def test_services_wait_for_what_they_need(compose: Compose, spec: ServiceSpec) -> None:
    """No service starts before the schema is there; who hears hints starts after the broker."""
    service = compose["services"][spec.name]
    waits = {name: wait["condition"] for name, wait in service["depends_on"].items()}
    expected = {"migrate": "service_completed_successfully"}
    if "NASHR_REDIS_URL" in service["environment"]:
        expected["valkey"] = "service_healthy"

    assert waits == expected


def test_the_migration_waits_for_its_servers(compose: Compose) -> None:
    """It starts when database and store answer."""
    waits = compose["services"]["migrate"]["depends_on"]

    assert waits == {name: {"condition": "service_healthy"} for name in ("postgres", "store")}


@every_service
def test_health_is_asked_where_it_is_answered(compose: Compose, spec: ServiceSpec) -> None:
    """Servers of HTTP are asked over it; workers are known by the file that they touch when they begin."""
    service = compose["services"][spec.name]
    test = service["healthcheck"]["test"]

    if spec.port:
        port = settings.declared()[spec.port].default
        assert test[-2:] == [str(port), spec.path]
        assert test[-3].rpartition("/")[2] == "answers.py"
    else:
        assert test == ["CMD", "test", "-e", service["environment"][READY_FILE]]


def test_servers_are_asked_too(compose: Compose) -> None:
    """Each server has a health check: others wait for it."""
    assert all("test" in compose["services"][name]["healthcheck"] for name in SERVERS)


def test_variables_are_settings(compose: Compose) -> None:
    """Every NASHR_ variable that the files name is a setting, or the ready file."""
    files = (FILE, ROOT / "Dockerfile", ROOT / ".env.example")
    named = {variable for path in files for variable in _VARIABLE.findall(path.read_text("utf-8"))}

    assert named - {f"NASHR_{name.upper()}" for name in settings.declared()} == {READY_FILE}


def test_no_secret_has_a_default() -> None:
    """What .env.example leaves empty is asked for by the compose file, with a word on where to get it."""
    given = dict(_GIVEN.findall((ROOT / ".env.example").read_text("utf-8")))
    asked: dict[str, set[str]] = {}
    for name, kind in _ASKED.findall(FILE.read_text("utf-8")):
        asked.setdefault(name, set()).add(kind)

    assert set(asked) == set(given)
    assert {name for name, value in given.items() if not value} <= {
        name for name, kinds in asked.items() if kinds == {":?"}
    }
    assert all(kinds <= {":?", ":-"} for kinds in asked.values())


def test_readers_and_editors_reach_two_services_only(compose: Compose) -> None:
    """Ports of the API and the site are published, on loopback unless told otherwise; no server's is."""
    published = {name: service["ports"] for name, service in _services(compose) if "ports" in service}

    assert set(published) == {"ingest", "edge"}
    assert all(port.startswith("${NASHR_BIND:-127.0.0.1}:") for ports in published.values() for port in ports)
    outside = {name for name, network in compose["networks"].items() if not (network or {}).get("internal")}
    assert {name for name, service in _services(compose) if outside & set(service["networks"])} == {
        *published, "delivery",  # which sends webhooks
    }  # fmt: skip


def test_the_edge_knows_no_password_of_a_server(compose: Compose) -> None:
    """Whoever takes over the edge can read what every reader can, and purge."""
    edge = compose["services"]["edge"]

    assert set(edge["environment"]) == {"NASHR_S3_ENDPOINT", "NASHR_PREVIEW_URL", "NASHR_PURGE_SECRET"}
    assert "data" not in edge["networks"]


def test_the_edge_finds_previews(compose: Compose) -> None:
    """It asks for them where delivery answers them, on a network that both are on."""
    edge, delivery = compose["services"]["edge"], compose["services"]["delivery"]
    port = delivery["environment"]["NASHR_PREVIEW_PORT"]

    assert edge["environment"]["NASHR_PREVIEW_URL"] == f"http://delivery:{port}"
    assert set(edge["networks"]) & set(delivery["networks"])


@pytest.mark.parametrize("name", sorted(OURS | {"migrate"}))
def test_our_containers_may_little(compose: Compose, name: str) -> None:
    """No capabilities, no new privileges, nothing to write but /tmp; bounded, reaped, logs rotated."""
    service = compose["services"][name]

    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["tmpfs"] == ["/tmp"] or service["volumes"] == ["uploads:/tmp"]
    _assert_bounded(service)


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_servers_are_pinned_and_bounded(compose: Compose, name: str) -> None:
    """A server's image names a version; it restarts, and may not take the whole machine."""
    service = compose["services"][name]

    assert re.search(r":v?\d", service["image"])
    assert service["restart"] == "unless-stopped"
    _assert_bounded(service)


def test_the_dockerfile_is_sound() -> None:
    """hadolint has nothing to say about it."""
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_holds_every_service() -> None:
    """The Dockerfile copies what the lock needs of each workspace member, and installs with make's uv."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    members = [path.parent.relative_to(ROOT) for path in ROOT.glob("services/*/pyproject.toml")]
    pinned = re.findall(r"uv==([\d.]+)", text + (ROOT / "Makefile").read_text("utf-8"))

    assert all(f"COPY {member}/pyproject.toml {member}/\n" in text for member in members)
    assert len(pinned) == 2
    assert len(set(pinned)) == 1


def test_memory_goes_back_to_the_system() -> None:
    """The image sets for glibc what the supervisor sets for its services."""
    text = (ROOT / "Dockerfile").read_text("utf-8")

    assert all(f"{name}={value}" in text for name, value in MALLOC.items())


def test_the_image_is_not_roots() -> None:
    """The last word on the user is a number other than 0."""
    text = (ROOT / "Dockerfile").read_text("utf-8")

    assert int(re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE)[-1]) > 0


def _services(compose: Compose) -> Iterator[tuple[str, Service]]:
    yield from compose["services"].items()


def _assert_bounded(service: Service) -> None:
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
