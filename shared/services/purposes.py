"""Offers a driver the purposes that they last gave trips between two places."""

from shared.domain.driver import Account
from shared.domain.log.purposes import Ends, Purpose, Use, of_trip, offered
from shared.repositories.documents import client
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services import kept_trips

# Of the newest trips, some two months of a driver who drives much. An index of both ends would read fewer of them, but
# be written with every trip, and find no end that has no name.
LOOKED_AT = 200


def between(account: Account, ends: Ends) -> list[Purpose]:
    """The purposes of the newest trips between these ends, by when they were last used."""
    return offered(_uses(account), ends)


def for_trip(account: Account, trip_id: str) -> list[Purpose]:
    """The purposes of other trips between the ends of a trip of theirs. Raises NotFound."""
    uses = later(lambda: _uses(account))
    ends = of_trip(kept_trips.find(account.email, trip_id))
    return offered((use for use in uses() if use.id != trip_id), ends)


def _uses(account: Account) -> list[Use]:
    return UserStore(client(), account.email).trips.parts(Use, LOOKED_AT)
