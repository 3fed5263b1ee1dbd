"""Owns the body that says something of a gap."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from shared.domain.log.gap_row import Explanation


class GapBody(Struct, forbid_unknown_fields=True):
    """Any of what a driver may say of a gap; null takes an explanation back."""

    explained_as: Explanation | None | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    business_km: float | None | UnsetType = UNSET
    revision: int | None = None
    why: str = ""

    def said(self) -> dict[str, Any]:
        """What is said of the gap, by the names of its fields."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        return {name: value for name, value in said.items() if name not in ("revision", "why")}
