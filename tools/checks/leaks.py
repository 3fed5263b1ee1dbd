"""Looks for keys in all files that git has or would add: `python -m tools.checks.leaks [DIR]`. Says where only."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = Path(__file__).with_name("leaks.yml")
# Nothing is sent anywhere: kingfisher would ask the services whether what it found is valid.
OPTIONS = ("--no-validate", "--no-update-check", "--redact", "--no-dedup", "--git-history=none", "--quiet")
FOUND = 200  # and above: kingfisher's exit codes where it found something


def main(folder: Path) -> int:
    """0 where there is no key, 1 where there is one, 2 where the files could not be searched."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=folder, capture_output=True, text=True, check=False)
    # A file that is deleted and not committed yet is listed, too.
    paths = [path for path in files.stdout.split("\0") if path and (folder / path).is_file()]
    if not paths:
        print(f"leaks: git lists no file in {folder}. {files.stderr.strip()}", file=sys.stderr)
        return 2
    command = [str(Path(sys.executable).with_name("kingfisher")), "scan", *OPTIONS, f"--rules-path={RULES}", "--"]
    # The rules take five seconds to compile, once.
    env = {**os.environ, "KF_RULE_CACHE_DIR": str(Path(sys.prefix) / "kingfisher")}
    done = subprocess.run([*command, *paths], cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return 0
    print(done.stdout, done.stderr, sep="", file=sys.stderr)
    if done.returncode < FOUND:
        return 2
    print("A key stands in a file. It is not secret any more: revoke it, then take it out.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
