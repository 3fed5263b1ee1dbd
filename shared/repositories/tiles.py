"""Owns the refusal of a commit that would break the rule of the log: that the rows of a car tile its odometer."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from shared.domain.log.tiling import NotTiled, Row, why_not_sound, why_not_tiled

Put = tuple[Row | None, Row | None]  # as it was read, and as it will be
Stretch = tuple[str, int | None, int | None, int]


class Tiles:
    """Which rows take the place of which others in one commit, by their ids."""

    def __init__(self) -> None:
        self._before: dict[str, Row] = {}
        self._after: dict[str, Row] = {}
        self._wrong: list[str] = []

    def declare(self, car_id: str, before: Sequence[Row], after: Sequence[Row]) -> None:
        """These rows are in place of those. The check raises where they do not tile the odometer.

        Where rows lie before or behind them that stay as they are, the nearest of these are among both. So the new rows
        tile what the others did; only where the log begins or ends they can reach less or more far.
        """
        if why := why_not_tiled(after):
            self._wrong.append(why)
        if strangers := [row.id for row in (*before, *after) if row.car_id != car_id]:
            self._wrong.append(f"{', '.join(strangers)} are no rows of {car_id}")
        self._before |= {row.id: row for row in before}
        self._after |= {row.id: row for row in after}

    def check(self, put: Mapping[str, Put]) -> None:
        """Raises NotTiled where what is put, by id, is not what was declared, or not sound by itself."""
        if why := next(chain(self._wrong, self._whys(put)), None):
            raise NotTiled(why)

    def _whys(self, put: Mapping[str, Put]) -> Iterator[str]:
        for id_, (former, row) in put.items():
            if row and _stretch(row) and (why := why_not_sound(row)):
                yield why
            if _stretch(former) == _stretch(row):
                continue
            if _stretch(former) and self._before.get(id_) != former:
                yield f"{id_} is moved or taken out, and nothing was said of its stretch"
            if _stretch(row) and self._after.get(id_) != row:
                yield f"{id_} is put or moved, and nothing was said of its stretch"
        for id_ in {**self._before, **self._after}:
            if self._before.get(id_) != self._after.get(id_) and not (id_ in put and self._is_put(id_, put[id_][1])):
                yield f"{id_} is to change with its stretch, and is not put so"

    def _is_put(self, id_: str, row: Row | None) -> bool:
        declared = self._after.get(id_)
        return row == declared if declared else _stretch(row) is None


def _stretch(row: Row | None) -> Stretch | None:
    """The car of a row and its stretch of the odometer; None where it has none."""
    if row is None or row.car_id is None or row.from_m is None:
        return None
    return row.car_id, row.from_m, row.to_m, row.set_on_m
