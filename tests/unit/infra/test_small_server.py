"""What docs/vps.md and the systemd unit name is there: settings, commands, files."""

from __future__ import annotations

import re
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer.main
from nashr import cli, settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "vps.md").read_text("utf-8")


@pytest.fixture(scope="module")
def unit() -> dict[str, str]:
    """The unit's [Service] section."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "infra" / "systemd" / "nashr.service")
    return dict(parser["Service"])


def commands() -> set[str]:
    group: Any = typer.main.get_command(cli.app)
    return set(group.commands)


def test_every_setting_of_the_page_is_one() -> None:
    """A reader who copies the settings sets what nashr reads."""
    named = set(re.findall(r"^NASHR_([A-Z0-9_]+)=", PAGE, re.MULTILINE))
    assert len(named) > 8
    assert {name.lower() for name in named} <= set(settings.declared())


def test_every_command_of_the_page_is_one() -> None:
    """The commands that the page has one type exist."""
    typed = set(re.findall(r"(?:^|nashr/\.venv/bin/|\.venv/bin/)nashr ([a-z]+)", PAGE, re.MULTILINE))
    assert {"storage", "status", "token", "site", "backup"} <= typed <= commands()


def test_the_unit_starts_what_the_page_installs(unit: dict[str, str]) -> None:
    """Paths, the user and the file of settings are those of the page, and the commands exist."""
    for name, command in (("ExecStart", "up"), ("ExecStop", "down")):
        assert unit[name] == f"/srv/nashr/.venv/bin/nashr {command}"
        assert command in commands()
    assert f"useradd --system --home-dir /var/lib/{unit['StateDirectory']}" in PAGE
    assert unit["User"] == unit["Group"] == "nashr"
    assert f"Write `{unit['EnvironmentFile']}`" in PAGE


def test_the_unit_is_no_root_and_has_limits(unit: dict[str, str]) -> None:
    """It has no privileges to lose, writes only its own state, and cannot take the whole machine."""
    assert (unit["NoNewPrivileges"], unit["CapabilityBoundingSet"]) == ("yes", "")
    assert unit["ProtectSystem"] == "strict"
    assert {"MemoryMax", "TasksMax", "Restart", "TimeoutStopSec"} <= unit.keys()
