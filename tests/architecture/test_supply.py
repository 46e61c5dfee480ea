"""What nashr is built from: locked with hashes, rested, listed, and looked up among known vulnerabilities."""

from __future__ import annotations

import json
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
LOCK = tomllib.loads((HERE / "uv.lock").read_text("utf-8"))
VULNERABLE = "jinja2"
IDENTITY = "TEST-1"
ADVISORY = {
    "id": IDENTITY,
    "modified": "2026-01-01T00:00:00Z",
    "summary": "made up for this test",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": VULNERABLE},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}


def test_every_file_of_the_lock_has_a_hash() -> None:
    """Whatever a mirror serves: another file is refused. Only our own packages come from this folder."""
    for package in LOCK["package"]:
        files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        ours = "registry" not in package["source"]

        assert bool(files) != ours, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def test_the_lock_takes_only_releases_that_have_rested() -> None:
    """pyproject.toml says how long, and the lock was made so."""
    settings = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]

    assert settings["exclude-newer"] == "7 days"
    assert LOCK["options"]["exclude-newer-span"] == "P7D"


def test_a_known_vulnerability_fails_the_run(tmp_path: Path) -> None:
    """And is named, with the package."""
    with _service(vulnerable=True) as url:
        done = _supply(tmp_path, url)

    assert done.returncode != 0
    assert VULNERABLE in done.stdout
    assert IDENTITY in done.stdout


def test_without_one_the_materials_are_listed(tmp_path: Path) -> None:
    """As CycloneDX: what a container holds, without what only tests and benchmarks need."""
    with _service(vulnerable=False) as url:
        done = _supply(tmp_path, url)

    assert done.returncode == 0, done.stdout + done.stderr
    listed = {item["name"] for item in json.loads((tmp_path / "sbom.json").read_text("utf-8"))["components"]}
    assert {"celery", "redis", "fastapi", "sqlalchemy", "boto3"} <= listed
    assert not {"pytest", "ministack", "schemathesis"} & listed


def test_a_service_that_is_away_is_said(tmp_path: Path) -> None:
    """No network is no vulnerability."""
    done = _supply(tmp_path, "http://127.0.0.1:1/")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "did not answer" in done.stderr


def _supply(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", "supply", f"OSV={url}", f"SBOM={folder / 'sbom.json'}"],
        cwd=HERE, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@contextmanager
def _service(*, vulnerable: bool) -> Iterator[str]:
    """Answers as osv.dev's API is described."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            known = [{"id": IDENTITY, "modified": ADVISORY["modified"]}]
            named = (vulnerable and query["package"]["name"] == VULNERABLE for query in asked)
            self._say({"results": [{"vulns": known} if found else {} for found in named]})

        def do_GET(self) -> None:
            self._say(ADVISORY)

        def _say(self, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the test looks at the command's answer."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
