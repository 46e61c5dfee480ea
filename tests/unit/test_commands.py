"""What the ``nashr`` command says about mistakes: one line that names the thing and the cure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from nashr import cli

TOML = """\
id = "khabar"
name = "خبر"
locale = "ar"
base_url = "https://khabar.example/"
[[sections]]
slug = "politics"
label = "سياسة"
"""


def said(*words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that fails prints; box-drawing and line breaks are typer's."""
    monkeypatch.setattr(sys, "argv", ["nashr", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in {1, 2}
    return " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize("flag", ["--api-port", "--site-port"])
@pytest.mark.parametrize("port", ["99999", "-1"])
def test_an_impossible_port_is_named(
    flag: str, port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the setting and its limit, and nothing was started."""
    words = ("up", "--data", f"{tmp_path}/data", flag, port)
    text = said(*words, monkeypatch=monkeypatch, capsys=capsys)
    assert f"NASHR_{flag[2:].replace('-', '_').upper()}: " in text
    assert "from 0 to 65535" in text
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words", [("status",), ("down",), ("token", "list"), ("submit", "{file}")], ids=lambda words: words[0]
)
def test_a_file_as_data_is_named(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command that looks for a stack says that --data is a file."""
    file = tmp_path / "file"
    file.write_text("{}")
    whole = [word.format(file=file) for word in words]
    text = said(*whole, "--data", str(file), monkeypatch=monkeypatch, capsys=capsys)
    assert text == f"nashr: {file} is a file, not a folder: name another with --data"


def test_a_folder_is_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Submitting a folder is refused as a wrong argument."""
    text = said("submit", str(tmp_path), monkeypatch=monkeypatch, capsys=capsys)
    assert "is a directory" in text


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('id = "khabar"', "id = 3"), "/id: give id as text"),
        (('locale = "ar"', 'locale = "ar"\nfeeds = ["full"]'), "/feeds: give feeds as text"),
        (('locale = "ar"', 'locale = "ar"\nstatic = 4'), "/static: give static as text"),
        (("https://khabar.example/", "http://["), "/base_url: an absolute http(s) URL"),
        (('label = "سياسة"', "label = 1"), "/sections/0/label: give the label"),
        (('name = "خبر"', 'name = "خبر'), 'at line 2, column 12): name = "خبر'),
    ],
)
def test_a_wrong_site_names_file_and_key(
    change: tuple[str, str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A TOML that is no site is refused by file and key, or by the line that is not TOML."""
    file = tmp_path / "site.toml"
    file.write_text(TOML.replace(*change), "utf-8")
    text = said("site", "apply", str(file), monkeypatch=monkeypatch, capsys=capsys)
    assert text.startswith(f"nashr: {file}: ")
    assert named in text


def test_a_preview_speaks_through_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """``nashr card preview`` draws without a stack, and hands on what the renderer says and its exit code."""
    draft = tmp_path / "draft.json"
    for text, code in (('{"headline": "خبر"}', 0), ("[]", 1)):
        draft.write_text(text, "utf-8")
        monkeypatch.setattr(
            sys, "argv", ["nashr", "card", "preview", str(draft), "--out", str(tmp_path / "out")]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == code
    said = capfd.readouterr()
    assert f"{tmp_path}/out/story.jpg" in said.out
    assert said.err == f"nashr: {draft} must hold one JSON object, the draft\n"
