"""How much memory a file of so many trips takes beyond the log itself, in a process of its own:
`python -m tests.formats.measured pdf 10000` prints MiB, seconds of a processor, and the size of the file in MB."""

import ctypes
import gc
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.formats.csv_file import csv_file
from shared.formats.document import document
from shared.formats.export import Export
from shared.formats.json_file import json_file
from shared.formats.workbook import workbook
from tests.formats.sample import export, rows_of

MAKERS: Mapping[str, Callable[[Export], bytes]] = {
    "csv": csv_file,
    "xlsx": workbook,
    "pdf": lambda log: document(log, "log"),
    "json": json_file,
}


def memory_mib(of: str) -> float:
    """What this process has (VmRSS), or the most that it had since that was forgotten (VmHWM), in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{of}:")) / 1024


def main() -> None:
    """Makes one file and prints what it took."""
    format_, count = sys.argv[1], int(sys.argv[2])
    log = export(rows_of(count))
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else what was freed is there to be used again, and would not be counted
    Path("/proc/self/clear_refs").write_text("5")  # forgets how much it ever had
    before_mib, began_s = memory_mib("VmRSS"), time.process_time()
    made = MAKERS[format_](log)
    print(f"{memory_mib('VmHWM') - before_mib:.1f} {time.process_time() - began_s:.2f} {len(made) / 1e6:.2f}")


if __name__ == "__main__":
    main()
