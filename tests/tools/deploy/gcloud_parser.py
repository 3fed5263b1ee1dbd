"""Run by the Python of the Google Cloud SDK: gives many calls to the real gcloud in one process, for it starts slowly.

Takes a JSON list of argument lists on standard input; prints a JSON list of exit code and error text of each.
"""

import json
import os
import sys
import tempfile

from googlecloudsdk import gcloud_main  # type: ignore[import-not-found]

calls = json.load(sys.stdin)
answer = os.fdopen(os.dup(1), "w")
# Below Python: gcloud keeps hold of the streams that it found when it was loaded.
errors = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - for as long as the process lives
os.dup2(errors.fileno(), 2)
os.dup2(os.open(os.devnull, os.O_RDWR), 1)
os.dup2(1, 0)
cli = gcloud_main.CreateCLI([])
results = []
for call in calls:
    errors.seek(0)
    errors.truncate()
    code = 0
    try:
        cli.Execute(call)
    except SystemExit as end:
        code = end.code
    sys.stderr.flush()
    errors.seek(0)
    results.append((code, errors.read().decode()))
json.dump(results, answer)
answer.flush()
