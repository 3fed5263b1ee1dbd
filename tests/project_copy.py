"""A copy of the project, to which a test adds what a contributor would add."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (".github", "docs", "functions", "shared", "tests", "tools")
FILES = ("CHANGELOG.md", "README.md", "pyproject.toml", "requirements.txt")


class ProjectCopy:
    """The project in a folder of its own; what runs in it sees no file of the original."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            shutil.copy(ROOT / name, folder)
        subprocess.run(["git", "init", "-q", folder], check=True)  # whose files are the project's is git's to say

    def add(self, files: Mapping[str, str]) -> None:
        """Makes these files, or appends the text where they are there."""
        for name, text in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as added:
                added.write(text)

    def put_after(self, name: str, words: str, text: str) -> None:
        """Puts a text behind words that stand in a file once."""
        file = self.folder / name
        before, found, after = file.read_text().partition(words)
        assert found and words not in after, f"{name} must hold {words!r} once"
        file.write_text(before + found + text + after)

    def python(self, *arguments: str) -> str:
        """What Python prints, run in the copy with the packages of this environment."""
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(self.folder), "HOME": os.environ.get("HOME", "/")}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pytest(self, *arguments: str) -> str:
        """What the copy's own tests print; without the conftest, which starts emulators."""
        return self.python("-m", "pytest", "--noconftest", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)
