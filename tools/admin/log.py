"""Holds a user's log against its facts."""

import argparse

from shared.services.verification import verified
from tools.admin import store

MOST_TOLD = 100


def verify(options: argparse.Namespace) -> None:
    """Computes a user's whole log anew from what phone, cars and driver said; prints what of the stored one differs."""
    store.user(options.email)
    found = verified(options.email)
    for difference in found.differences[:MOST_TOLD]:
        print(difference)
    if found.differences:
        more = len(found.differences) - MOST_TOLD
        raise store.Wrong(
            f"Differences: {len(found.differences)}{f', of which {more} are not shown' if more > 0 else ''}"
        )
    print(f"Nothing differs. Rows: {found.rows}, readings: {found.readings}, entries of the history: {found.entries}.")
