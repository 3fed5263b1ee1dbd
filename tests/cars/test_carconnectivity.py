"""CarConnectivity in this house: the portal takes no more of it than it needs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_portal_needs_only_a_small_part_of_carconnectivity() -> None:
    code = "import shared.cars.vw_eu_data_act, sys; print('carconnectivity.vehicle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
