"""Tells a world for people: its events in minutes since the first drive begins, with the truth beside them.

Places are named H (home), then A, B, …; `10027.0@31 parked A` is what the cloud told: odometer, when measured, state.
"""

from collections.abc import Iterator
from itertools import groupby

from tests.worlds.checker import Finding, checked
from tests.worlds.cloud import Told
from tests.worlds.ground import Point, straight_m
from tests.worlds.log import Gap, Trip
from tests.worlds.phone import Sent
from tests.worlds.plan import HOME, Plan, seconds
from tests.worlds.playing import Run, Spoken
from tests.worlds.presets import Preset
from tests.worlds.truth import TrueDrive, Truth

SAME_PLACE_M = 300


def told(run: Run) -> str:
    """The whole run."""
    return "\n".join(Telling(run).lines())


class Telling:
    """Words for the times and places of a run."""

    def __init__(self, run: Run) -> None:
        self._run, self._truth = run, run.truth
        self._zero_s = run.truth.drives[0].begins_s if run.truth.drives else 0
        self._places = _places(run.truth)

    def lines(self) -> Iterator[str]:
        """Truth, what happened by the time of its arrival, the log, and what is wrong with it."""
        yield from self._about(self._truth.plan)
        yield from (f"  truth   {self._drive(drive)}" for drive in self._truth.drives)
        happened = [*((one.arrives_s, f"phone   {self._sent(one)}") for one in self._run.heard)]
        happened += [(told.at_s, f"cloud   {self._told(told)}") for told in self._run.told]
        asked = {told.at_s for told in self._run.told}
        happened += [(at_s, f"poll    @{self._min(at_s)} no answer") for at_s in self._run.polls_s if at_s not in asked]
        happened += [(one.word.at_s, f"driver  {self._word(one)}") for one in self._run.spoken]
        yield from self._folded(sorted(happened))
        yield from (f"  log     {self._trip(trip)}" for trip in self._run.log.trips)
        yield from (f"  gap     {self._gap(gap)}" for gap in self._run.log.gaps)
        yield from (f"  closed  {car}" for car, closed in self._run.log.closed.items() if closed)
        yield from (f"  WRONG   {finding.kind}: {finding.text}" for finding in self._findings())

    def _findings(self) -> list[Finding]:
        return checked(self._run)

    def _about(self, plan: Plan) -> Iterator[str]:
        usual, switches = Preset._field_defaults, plan.preset._asdict()
        switched = [f"{name}={value}" for name, value in switches.items() if value != usual.get(name, value)]
        yield f"{plan.preset.name}, seed {plan.seed}: {', '.join(switched)}"
        if plan.clock_s:
            yield f"  phone   its clock is {plan.clock_s / 60:+.1f} min off"
        for quirk in plan.quirks:
            since, until = self._min(quirk.since_s), self._min(quirk.until_s)
            yield f"  cloud   {quirk.car} {quirk.kind} {quirk.how} from {since} until {until}"

    @staticmethod
    def _folded(happened: list[tuple[int, str]]) -> Iterator[str]:
        """Answers that tell the same again and again, and pings, in one line."""
        for key, group in groupby(happened, key=lambda one: _kind(one[1])):
            texts = [text for _, text in group]
            if key and len(texts) > 2:
                yield f"  {texts[0]}   … {len(texts) - 2} more …   {texts[-1].split(maxsplit=1)[1]}"
            else:
                yield from (f"  {text}" for text in texts)

    def _drive(self, drive: TrueDrive) -> str:
        stops = "".join(f", stands {stop.stands_s // 60} min at {stop.share:.0%}" for stop in drive.plan.stops)
        untold = "" if drive.plan.messages else ", untold"
        way = f"{self._at(drive.begins_at)} to {self._at(drive.ends_at)}"
        odometer = f"{drive.from_m / 1000:.1f} to {drive.to_m / 1000:.1f}"
        times = f"{self._min(drive.begins_s)} to {self._min(drive.ends_s)}"
        how = f"{drive.length_m / 1000:.1f} km of {drive.car} ({odometer}){stops}{untold}"
        return f"drive {drive.n}: {times}, {way}, {how}"

    def _sent(self, one: Sent) -> str:
        late = f", arrives {self._min(one.arrives_s)}" if one.arrives_s > one.true_s + 1 else ""
        drive = next(drive for drive in self._truth.drives if drive.n == one.n)
        where = self._at(drive.where(one.true_s).point) if one.position else "nowhere"
        return f"{one.kind} {self._min(one.at_s)} {where}{f' in {one.names}' if one.names else ''}{late}"

    def _told(self, told: Told) -> str:
        answer = told.answer
        where = "" if answer.lat is None else f" {self._at(self._truth.where(told.car, told.measured_s).point)}"
        false = "" if told.true else " (not true)"
        asked = f", asked {self._min(told.at_s)}" if told.at_s - told.measured_s > 60 else ""
        return f"{told.car} {answer.odometer_km:.1f}@{self._min(told.measured_s)} {answer.state}{where}{asked}{false}"

    def _word(self, one: Spoken) -> str:
        return f"{one.word.kind} of drive {one.word.n} at {self._min(one.word.at_s)}, {one.km} km: {one.played}"

    def _trip(self, trip: Trip) -> str:
        times = f"{self._min(seconds(trip.start))} to {self._min(seconds(trip.end))}"
        pending = ", pending" if trip.pending else ""
        return f"{times}, {trip.km:.1f} km of {trip.car} ({trip.from_km} to {trip.to_km}) by {trip.source}{pending}"

    def _gap(self, gap: Gap) -> str:
        return f"{gap.km:.1f} km of {gap.car} ({gap.from_km} to {gap.to_km})"

    def _min(self, at_s: float) -> str:
        return f"{(at_s - self._zero_s) / 60:.1f}".removesuffix(".0")

    def _at(self, point: Point) -> str:
        """The name of a place, or on the way."""
        near = ((straight_m(point, place), name) for name, place in self._places.items())
        apart_m, name = min(near)
        return name if apart_m < SAME_PLACE_M else "on the way"


def _places(truth: Truth) -> dict[str, Point]:
    found = {"H": HOME}
    for drive in truth.drives:
        for point in (drive.begins_at, drive.ends_at):
            if all(straight_m(point, other) > SAME_PLACE_M for other in found.values()):
                found[chr(ord("A") + len(found) - 1)] = point
    return found


def _kind(text: str) -> str:
    """What may be folded: pings on the way, answers of one state."""
    words = text.split()
    if words[:2] == ["phone", "ping"]:
        return "ping" if "arrives" not in words else ""
    if words[0] == "cloud":
        return f"{words[1]} {words[2].split('@')[0]}" if "driving" not in words else f"{words[1]} driving"
    return "poll" if words[0] == "poll" else ""
