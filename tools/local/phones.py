"""What phones of one's own network reach with ./run.sh --host: the two webhooks, and nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

from tools.local import serve

PATHS = {"WEBHOOK_START_URL": "/webhook/start", "WEBHOOK_END_URL": "/webhook/end"}


def app() -> Callable[..., Iterable[bytes]]:
    """The WSGI application of these two."""
    webhooks = serve.app(only=PATHS.values())

    def told_by_nobody(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # No front end of ours writes it here, so whoever calls could name another address each time and have no limit.
        environ.pop("HTTP_X_FORWARDED_FOR", None)
        answer: Iterable[bytes] = webhooks(environ, start_response)
        return answer

    return told_by_nobody
