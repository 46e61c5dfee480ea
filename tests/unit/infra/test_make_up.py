"""``make up`` and ``make down`` with a Docker that only takes notes: what they ask of it, and the .env."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the two targets need, and an empty folder ``bin`` first on the PATH."""
    for name in ("Makefile", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    return tmp_path


def install_docker(checkout: Path, *, compose: bool = True) -> None:
    """A docker that notes its words; without ``compose`` it knows no such command."""
    script = checkout / "bin" / "docker"
    verdict = "" if compose else '[ "$1" = compose ] && exit 1\n'
    script.write_text(f'#!/bin/sh\n{verdict}echo "$*" >> {checkout}/asked\n')
    script.chmod(0o755)


def make(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout}/bin:{os.environ['PATH']}"
    return subprocess.run(
        ["make", target], cwd=checkout, env={"PATH": path}, capture_output=True, text=True, check=False
    )


def asked(checkout: Path) -> list[str]:
    return (checkout / "asked").read_text().splitlines()


def test_up_builds_starts_and_waits(checkout: Path) -> None:
    """One command from a fresh checkout to services that are well."""
    install_docker(checkout)

    done = make(checkout, "up")

    assert done.returncode == 0, done.stderr
    assert asked(checkout)[1:] == ["compose build", "compose up --detach --wait", "compose ps"]
    assert "wrote .env" in done.stdout


def test_every_secret_is_new_and_for_the_owner_only(checkout: Path) -> None:
    """No two secrets are equal, nobody else may read them, and the rest is as in the example."""
    install_docker(checkout)
    make(checkout, "up")
    written = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", (checkout / ".env").read_text(), re.MULTILINE))
    example = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", (checkout / ".env.example").read_text(), re.MULTILINE))
    secrets = [written[name] for name, value in example.items() if not value]

    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in secrets)
    assert len(set(secrets)) == len(secrets) == 7
    assert {**example, **{name: "" for name in written if not example[name]}} == {
        name: value if example[name] else "" for name, value in written.items()
    }
    assert (checkout / ".env").stat().st_mode & 0o777 == 0o600


def test_what_an_env_holds_stays(checkout: Path) -> None:
    """The servers know its secrets. What a newer version asks for is added, once."""
    install_docker(checkout)
    mine = checkout / ".env"
    mine.write_text("# mine\nPOSTGRES_PASSWORD=mine\nNASHR_API_PORT=1\n")
    os.utime(mine, (0, 0))

    make(checkout, "up")
    after = mine.read_text()
    os.utime(mine, (0, 0))
    make(checkout, "up")

    assert after.startswith("# mine\nPOSTGRES_PASSWORD=mine\nNASHR_API_PORT=1\n")
    names = re.findall(r"^([A-Z0-9_]+)=.+$", after, re.MULTILINE)
    assert sorted(names) == sorted(
        re.findall(r"^([A-Z0-9_]+)=", (checkout / ".env.example").read_text(), re.MULTILINE)
    )
    assert mine.read_text() == after


def test_down_keeps_the_volumes(checkout: Path) -> None:
    """It removes containers and networks, nothing else."""
    install_docker(checkout)

    make(checkout, "down")

    assert asked(checkout)[1:] == ["compose down"]


@pytest.mark.parametrize("target", ["up", "down"])
def test_without_compose_it_says_so(checkout: Path, target: str) -> None:
    """The message names what is missing and where to get it; nothing is written."""
    install_docker(checkout, compose=False)

    done = make(checkout, target)

    assert done.returncode != 0
    assert "'docker compose version' fails: install it" in done.stderr
    assert not (checkout / ".env").exists()
