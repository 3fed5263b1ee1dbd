"""Stages what is deployed of one function: its own folder, shared/ and requirements.txt, in a folder of its own."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
FUNCTIONS = sorted(folder.parent.name for folder in (ROOT / "functions").glob("*/main.py"))


def stage(name: str, target: Path) -> None:
    """Fills `target` with the bundle of the function. A requirements.txt of its own is appended to the common one."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "functions" / name, target, ignore=skipped, dirs_exist_ok=True)
    (target / "__init__.py").unlink(missing_ok=True)
    shutil.copytree(ROOT / "shared", target / "shared", ignore=skipped, dirs_exist_ok=True)
    own = ROOT / "functions" / name / "requirements.txt"
    parts = [ROOT / "requirements.txt", *([own] if own.exists() else [])]
    (target / "requirements.txt").write_text("\n".join(part.read_text() for part in parts))
