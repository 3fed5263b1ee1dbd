"""A time stamping authority of the tests' own: OpenSSL's, behind a local HTTP server."""

import subprocess
from pathlib import Path

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

CONFIG = """
[tsa]
default_tsa = own
[own]
dir = {folder}
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""
EXTENSIONS = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"


class Authority:
    """Answers queries at `url`; `root` is the certificate to trust, as PEM. Where it `is_down` it answers 503."""

    def __init__(self, folder: Path, server: HTTPServer) -> None:
        self._folder, self.is_down = folder, False
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Test root", "-days", "30",
                  "-keyout", "root.key", "-out", "root.pem")  # fmt: skip
        self._run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Test time stamps", "-keyout", "tsa.key",
                  "-out", "tsa.csr")  # fmt: skip
        (folder / "extensions").write_text(EXTENSIONS)
        self._run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                  "-days", "30", "-extfile", "extensions", "-out", "tsa.pem")  # fmt: skip
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        self.root = (folder / "root.pem").read_bytes()
        server.expect_request("/tsa", method="POST").respond_with_handler(self._answer)
        self.url = server.url_for("/tsa")

    def _answer(self, request: Request) -> Response:
        if self.is_down:
            return Response("down", 503)
        (self._folder / "query").write_bytes(request.get_data())
        self._run("ts", "-reply", "-config", "tsa.cnf", "-section", "own", "-queryfile", "query", "-signer", "tsa.pem",
                  "-inkey", "tsa.key", "-out", "reply")  # fmt: skip
        return Response((self._folder / "reply").read_bytes(), content_type="application/timestamp-reply")

    def _run(self, *call: str) -> None:
        subprocess.run(["openssl", *call], cwd=self._folder, check=True, capture_output=True)
