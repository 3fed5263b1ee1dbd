"""What the services asked by geopy have in common. geopy is imported at the first question, not before."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from shared.geocoding.geocoder import Unanswered

T = TypeVar("T")
REST_S = 60.0  # after too many requests, where the service does not say how long


def where(url: str) -> dict[str, Any]:
    """What geopy is told of a service at a URL. No request is repeated by itself: some services count them."""
    from geopy.adapters import RequestsAdapter

    scheme, domain, path, *_ = urlsplit(url)
    return {"scheme": scheme, "domain": domain + path, "adapter_factory": partial(RequestsAdapter, max_retries=0)}


def understood(ask: Callable[[], T]) -> T:
    """What a question to geopy gives. Raises Unanswered: of geopy's own errors only the names, for their words hold
    positions and keys.
    """
    from geopy.exc import GeocoderRateLimited, GeopyError

    try:
        return ask()
    except GeocoderRateLimited as error:
        raise Unanswered("too many requests", timedelta(seconds=error.retry_after or REST_S)) from None
    except GeopyError as error:
        raise Unanswered(type(error).__name__) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Unanswered("an answer that cannot be understood") from None
