"""Stages what is deployed of one function: its own folder, shared/ and requirements.txt, in a folder of its own."""

import shutil
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]


def stage(name: str, target: Path) -> None:
    """Makes `target` the bundle of the function. A requirements.txt of its own is appended to the common one.

    Its function.toml stays out: what is deployed does not read it, and what it says reaches the cloud as settings.
    """
    shutil.rmtree(target, ignore_errors=True)
    skipped = shutil.ignore_patterns("__pycache__", "function.toml")
    shutil.copytree(ROOT / "functions" / name, target, ignore=skipped)
    shutil.copytree(ROOT / "shared", target / "shared", ignore=skipped)
    own = ROOT / "functions" / name / "requirements.txt"
    parts = [ROOT / "requirements.txt", *([own] if own.exists() else [])]
    (target / "requirements.txt").write_text("\n".join(part.read_text() for part in parts))


def digest(name: str) -> str:
    """The SHA-256 of what the function's bundle holds."""
    with TemporaryDirectory() as folder:
        bundle = Path(folder) / name
        stage(name, bundle)
        found = sha256()
        for file in sorted(path for path in bundle.rglob("*") if path.is_file()):
            found.update(f"{file.relative_to(bundle)}\0{sha256(file.read_bytes()).hexdigest()}\n".encode())
        return found.hexdigest()
