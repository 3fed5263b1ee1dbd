"""A machine with nothing on it but what a test puts there: a PATH, a home, and stand-ins for Java."""

import sys
from pathlib import Path

# Says its version and serves as an emulator, as far as anybody can tell who only asks whether something answers.
JAVA = """#!{python}
import socket, sys
from pathlib import Path
if "-version" in sys.argv:
    print('openjdk version "{version}" 2026-01-20', file=sys.stderr)
    sys.exit(0 if {runs} else 1)
if "{refuses}" and any("{refuses}" in one for one in sys.argv):
    sys.exit("java.lang.UnsupportedClassVersionError: class file version 65.0")
Path(r"{log}").open("a").write(" ".join(sys.argv) + chr(10))
port = " ".join(sys.argv).replace("=", " ").split("--port ")[1].split()[0]
server = socket.create_server(("127.0.0.1", int(port)))
while True:
    server.accept()
"""


class Machine:
    """Its folders, and what its Java was asked to run."""

    def __init__(self, place: Path) -> None:
        self.sdk, self.home, self.log = place / "sdk", place / "home", place / "java.log"
        self.programs = place / "bin"
        self.programs.mkdir()

    def java(self, version: str, place: Path | None = None, refuses: str = "") -> str:
        """Puts a Java there, on PATH unless told otherwise; without a version it is one that does not run."""
        file = (place or self.programs) / "java"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = {"python": sys.executable, "version": version, "runs": bool(version), "refuses": refuses}
        file.write_text(JAVA.format(**text, log=self.log))
        file.chmod(0o755)
        return str(file)

    def runs(self) -> list[str]:
        """The command lines of what was run as an emulator."""
        return self.log.read_text().splitlines()
