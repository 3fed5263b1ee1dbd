"""Adds places: of one user, and of all."""

import argparse
from typing import Any

from shared.repositories.documents import client
from shared.repositories.places import PlaceRepository, SharedPlaceRepository
from shared.services import places as service
from tools.admin import store


def add_place(options: argparse.Namespace) -> None:
    """Adds a place of a user."""
    email = store.user(options.email).email
    print(f"place: {service.add(PlaceRepository(client(), email), _said(options)).id}")


def add_shared_place(options: argparse.Namespace) -> None:
    """Adds a place of all users, who cannot change it."""
    print(f"place: {service.share(SharedPlaceRepository(client()), _said(options)).id}")


def _said(options: argparse.Namespace) -> dict[str, Any]:
    return {field: getattr(options, field) for field in ("name", "lat", "lng", "radius_m", "kind")}
