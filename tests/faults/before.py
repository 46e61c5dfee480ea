"""The code before this one, out of the history: the newest with fewer migrations, all of them ours."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from nashr.store import schema

ROOT = Path(__file__).parents[2]


class NoHistory(Exception):
    """The checkout does not go back so far; the text says why."""


def unpack(folder: Path) -> dict[str, str]:
    """What a process needs in its environment to run the code of N-1, unpacked into ``folder``.

    Raises NoHistory.
    """
    with tarfile.open(fileobj=io.BytesIO(_git("archive", _commit(), "shared", "services"))) as tree:
        tree.extractall(folder, filter="data")
    parts = [folder / "shared", *sorted(path for path in (folder / "services").iterdir() if path.is_dir())]
    return {"PYTHONPATH": ":".join(str(part) for part in parts)}


def _commit() -> str:
    where = schema.MIGRATIONS.relative_to(ROOT) / "versions"
    for commit in _git("rev-list", "--full-history", "HEAD", "--", str(where)).decode().split():
        names = _git("ls-tree", "--name-only", commit, f"{where}/").decode().split()
        versions = sorted(name[:4] for name in (Path(each).name for each in names) if name[:4].isdecimal())
        if versions and versions == schema.VERSIONS[: len(versions)] and versions != schema.VERSIONS:
            return commit
    raise NoHistory("no commit that is here has an older schema")


def _git(*words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistory(f"git {words[0]}: {error}") from error
