"""The operator's tool: users, keys, cars and places, the same here and in the cloud."""

import argparse
from collections.abc import Callable
from typing import TypeAlias, get_args

from shared.domain.driver import Scope
from shared.domain.place.places import Place, PlaceKind, Role
from shared.domain.thresholds import LEAST_RADIUS_M, MOST_RADIUS_M
from shared.formats.incoming.found import Format
from tools.admin import cars, imports, keys, leaving, log, places, upgrade, users

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], None]
PLAIN = Place("", "", 0.0, 0.0)
# What of a car can be said, in the words of HTTP. An option that is not given leaves what is stored.
CAR_FIELDS = {
    "provider": "how the car is read (docs/cars.md); a new car needs it, and another one drops the credentials",
    "name": "what the car is called; at first its id",
    "vin": "vehicle identification number, as it stands in the car's papers",
    "brand": "which brand of the provider it is, where that matters",
    "plate": "number plate",
    "make": "make, for the log",
    "type": "type, for the log",
    "colour": "colour, for the log",
    "available-from": "first day on which the car was the driver's, as in 2026-01-23",
    "available-until": "last day on which it was",
    "start-odometer-km": "odometer on the first day",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.admin", description=__doc__)
    commands = found.add_subparsers(required=True, metavar="COMMAND", help="one of these; COMMAND --help says more")
    _add_users(commands)
    _add_keys(commands)
    _add_cars(commands)
    _add_places(commands)
    return found


def _command(commands: Commands, name: str, run: Run, of_user: bool = True) -> argparse.ArgumentParser:
    said = (run.__doc__ or "").strip()
    made = commands.add_parser(name, help=said, description=said)
    made.set_defaults(run=run)
    if of_user:
        made.add_argument("email", type=_email, help="whose e-mail address")
    return made


def _email(text: str) -> str:
    return text.strip().lower()


def _add_users(commands: Commands) -> None:
    user = _command(commands, "add-user", users.add_user)
    user.add_argument("--name", default="", help="how the driver is called")
    user.add_argument("--timezone", default="Europe/Amsterdam", help="IANA name; days and months of the log follow it")
    _command(commands, "list-users", users.list_users, of_user=False)
    _command(commands, "show-user", users.show_user)
    _command(commands, "verify", log.verify)
    trips = _command(commands, "import", imports.import_trips)
    trips.add_argument("file", help="CSV or JSON, as docs/import.md says")
    trips.add_argument("--format", choices=get_args(Format), help="json where the file's name ends so, else csv")
    trips.add_argument("--car", help="the id of the car whose trips they are; else the file's own, or the default one")
    trips.add_argument("--apply", action="store_true", help="not only say what would be done")
    leaves = _command(commands, "export-user", leaving.export_user)
    leaves.add_argument("file", help="where to write it; a file that is there is replaced")
    back = _command(commands, "restore", leaving.restore)
    back.add_argument("--from", dest="file", metavar="FILE", required=True, help="what export-user wrote")
    former = _command(commands, "upgrade", upgrade.upgrade, of_user=False)
    former.add_argument("emails", nargs="*", metavar="EMAIL", type=_email, help="whose logs")
    former.add_argument("--all", action="store_true", help="all logs that a version before this one kept")
    former.add_argument("--dry-run", action="store_true", help="only say what would be written")


def _add_keys(commands: Commands) -> None:
    key = _command(commands, "add-key", keys.add_key)
    scope = "what it may do: only start and end trips, only say an odometer, only read the log, or everything"
    key.add_argument("--scope", choices=get_args(Scope), required=True, help=scope)
    key.add_argument(
        "--label",
        default="",
        help="what it is for, to know it again in the list, or who drives with it; a webhook key's is phone otherwise",
    )
    revoked = _command(commands, "revoke-key", keys.revoke_key)
    revoked.add_argument("key_id", help="the key's id, as list-keys shows it, not the key")
    _command(commands, "list-keys", keys.list_keys)


def _add_cars(commands: Commands) -> None:
    car = _command(commands, "set-car", cars.set_car)
    car.add_argument("car_id", help="the car's id of your choice: letters, digits, - and _")
    for field, said in CAR_FIELDS.items():
        car.add_argument(f"--{field}", help=said)
    car.add_argument("--credentials", help='what opens the car\'s cloud, as JSON, for example {"token": "…"}')
    car.add_argument("--default", action="store_true", help="trips are this car's where the phone names none")
    rotate = _command(commands, "rotate-credentials", cars.rotate_credentials, of_user=False)
    rotate.add_argument("--dry-run", action="store_true", help="only say what would be done")


def _add_places(commands: Commands) -> None:
    for place in (
        _command(commands, "add-place", places.add_place),
        _command(commands, "add-shared-place", places.add_shared_place, of_user=False),
    ):
        place.add_argument("name", help="what the place is called in the log")
        place.add_argument("lat", help="latitude of its middle in degrees (WGS84)")
        place.add_argument("lng", help="longitude of its middle in degrees")
        radius = f"how far it reaches, from {LEAST_RADIUS_M:g} to {MOST_RADIUS_M:g} m (default %(default)s)"
        place.add_argument("--radius-m", default=f"{PLAIN.radius_m:g}", help=radius)
        kind = "what it tells of a trip that begins or ends there; at a pause trips go on (default %(default)s)"
        place.add_argument("--kind", choices=get_args(PlaceKind), default=PLAIN.kind, help=kind)
        role = "that the driver lives or works there: trips between these two are commutes"
        place.add_argument("--role", choices=get_args(Role), help=role)
