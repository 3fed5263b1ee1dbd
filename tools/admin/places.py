"""Adds places: of one user, and of all."""

import argparse
from typing import Any

from shared.services import places as service
from tools.admin import store


def add_place(options: argparse.Namespace) -> None:
    """Adds a place of a user."""
    print(f"place: {service.add(store.user(options.email).email, _said(options)).id}")


def add_shared_place(options: argparse.Namespace) -> None:
    """Adds a place of all users, who cannot change it."""
    print(f"place: {service.share(_said(options)).id}")


def _said(options: argparse.Namespace) -> dict[str, Any]:
    return {field: getattr(options, field) for field in ("name", "lat", "lng", "radius_m", "kind", "role")}
