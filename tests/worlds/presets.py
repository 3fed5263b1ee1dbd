"""The named kinds of worlds. Each is one bundle of switches; what is not named is as usual."""

from random import Random
from typing import Literal, NamedTuple

Phone = Literal["pings", "ends", "nowhere"]
Cloud = Literal["live", "switch_off", "quarter"]
Resolution = Literal["exact", "km", "mile"]
Naming = Literal["none", "all"]


class Preset(NamedTuple):
    """Switches of a kind of world. Shares are from 0 to 1: of drives where nothing else is said.

    drives, km, stands_min: at least and at most, of a run, a drive, a stand between two drives.
    phone: a ping each minute; only start and end; or both of these without any position.
    naming: whether the phone names the car. lost, repeated, delayed: of messages. late: whole drives, up to 23 h.
    clock_s: how far the phone's clock may be off, the same for a whole run.
    old, wild, silent: drives around which the cloud has this quirk (silent: one day of the run).
    untold: drives of which the phone says nothing; dark: those of them of which the cloud, too, says nothing until the
    next drive has begun. charging: drives with a long stop, the phone connected.
    rented: outings in a car that the system does not know. by_hand: drives after which the driver says something.
    """

    name: str
    about: str
    days: int = 1
    drives: tuple[int, int] = (3, 8)
    km: tuple[float, float] = (4.0, 45.0)
    stands_min: tuple[int, int] = (12, 150)
    cars: int = 1
    phone: Phone = "pings"
    naming: Naming = "none"
    lost: float = 0.0
    repeated: float = 0.0
    delayed: float = 0.0
    late: float = 0.0
    clock_s: int = 0
    cloud: Cloud = "live"
    resolution: Resolution = "exact"
    positions: bool = True
    states: bool = True
    old: float = 0.0
    wild: float = 0.0
    silent: float = 0.0
    untold: float = 0.0
    dark: float = 0.0
    charging: float = 0.0
    rented: float = 0.0
    by_hand: float = 0.0


_ALL = (
    Preset("usual", "pings each minute, a car that is read live, nothing goes wrong"),
    Preset("start_and_end", "a phone without pings, a cloud without positions and states", phone="ends")._replace(
        positions=False, states=False
    ),
    Preset("no_positions", "start and end without any position, a car that is read live", phone="nowhere"),
    Preset(
        "switch_off", "the car reports at switch-off only (some also at ignition)", phone="ends", cloud="switch_off"
    ),
    Preset("quarter_hours", "the car reports every 15 minutes", phone="ends", cloud="quarter"),
    Preset("whole_km", "whole kilometres, mostly short drives", km=(0.7, 6.0), drives=(5, 10), resolution="km"),
    Preset("whole_miles", "whole miles, mostly short drives", km=(0.7, 9.0), drives=(5, 10), resolution="mile"),
    Preset("old_values", "after a drive the cloud tells old values under new times", old=0.5),
    Preset("wild_values", "single values that cannot be true: sentinels, +1000, miles for kilometres", wild=0.4),
    Preset("silent_day", "the cloud says nothing for about a day", days=3, drives=(5, 10), phone="ends", silent=1.0),
    Preset("lossy_phone", "messages lost, repeated, delayed up to 40 min", lost=0.15, repeated=0.1, delayed=0.15),
    Preset("late_drives", "whole drives are told up to 23 h late", days=2, drives=(4, 9), late=0.35),
    Preset("phone_clock", "clock and connecting together put the phone up to 3 min off", clock_s=130),
    Preset(
        "untold", "drives between the told ones of which the phone says nothing", drives=(4, 9), untold=0.35, dark=0.5
    ),
    Preset(
        "charging", "long stops with the phone connected", drives=(2, 5), km=(15.0, 60.0), phone="ends", charging=0.6
    ),
    Preset("rental", "outings in a car that the system does not know; some drivers have no other", rented=0.4),
    Preset("two_cars_named", "two cars, the phone names the one", drives=(4, 9), phone="ends", cars=2, naming="all"),
    Preset("two_cars_unnamed", "two cars, the phone names none", drives=(4, 9), cars=2),
    Preset("by_hand", "the driver corrects, adds and deletes in between", untold=0.2, by_hand=0.7),
    Preset("everything", "a little of all of it, drawn anew for each run", days=2, drives=(4, 9)),
)
PRESETS = {preset.name: preset for preset in _ALL}


def drawn(preset: Preset, dice: Random) -> Preset:
    """The switches of a run: those of the preset, but for the one that draws them."""
    if preset.name != "everything":
        return preset
    return Preset(
        preset.name,
        preset.about,
        days=preset.days,
        drives=preset.drives,
        phone=dice.choice(("pings", "pings", "ends")),
        cloud=dice.choice(("live", "live", "switch_off", "quarter")),
        resolution=dice.choice(("exact", "exact", "km", "mile")),
        cars=dice.choice((1, 1, 2)),
        naming="all",
        clock_s=dice.choice((0, 130)),
        charging=dice.choice((0.0, 0.2)),
        lost=_sometimes(0.05, dice),
        repeated=_sometimes(0.05, dice),
        delayed=_sometimes(0.08, dice),
        late=_sometimes(0.15, dice),
        old=_sometimes(0.15, dice),
        wild=_sometimes(0.1, dice),
        untold=_sometimes(0.15, dice),
    )


def _sometimes(share: float, dice: Random) -> float:
    """Two runs in five have it."""
    return share if dice.random() < 0.4 else 0.0
