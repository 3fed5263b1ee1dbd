"""What the services asked by geopy have in common. geopy is imported at the first question, not before."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from shared.geocoding.geocoder import Unanswered
from shared.wire import Bounded

T = TypeVar("T")
REST_S = 60.0  # after too many requests, where the service does not say how long
LONGEST_REST_S = 86_400.0


def where(url: str) -> dict[str, Any]:
    """What geopy is told of a service at a URL."""
    scheme, domain, path, *_ = urlsplit(url)
    return {"scheme": scheme, "domain": domain + path, "adapter_factory": _adapter}


def _adapter(proxies: Any, ssl_context: ssl.SSLContext | None) -> Any:
    """No request is repeated by itself, for some services count them; no redirect is followed."""
    from geopy.adapters import RequestsAdapter

    adapter = RequestsAdapter(proxies=proxies, ssl_context=ssl_context)
    adapter.session.max_redirects = 0
    for scheme in ("https://", "http://"):
        adapter.session.mount(scheme, Bounded(tls=ssl_context or ssl.create_default_context()))
    return adapter


def understood(ask: Callable[[], T]) -> T:
    """What a question to geopy gives. Raises Unanswered: of geopy's own errors only the names, for their words hold
    positions and keys.
    """
    from geopy.exc import GeocoderRateLimited, GeopyError

    try:
        return ask()
    except GeocoderRateLimited as error:
        # Whatever it says: what rests for ever is never asked again, for anybody.
        rest_s = min(error.retry_after or REST_S, LONGEST_REST_S)
        raise Unanswered("too many requests", timedelta(seconds=rest_s)) from None
    except GeopyError as error:
        raise Unanswered(type(error).__name__) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Unanswered("an answer that cannot be understood") from None
