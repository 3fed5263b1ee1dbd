"""What an operator needs once the functions are up: addresses, an environment for the admin tool, the next steps."""

import shlex

from tools.deploy.functions import FUNCTIONS, ROOT, SECRET
from tools.deploy.target import Target


def write_environment(target: Target) -> None:
    """Writes the file that one sources before tools.admin. The key that opens credentials is fetched only then."""
    fetch = f"gcloud secrets versions access latest --secret={SECRET} --project={target.project}"
    lines = [
        "# Points tools.admin at the deployed system. Written by ./deploy.sh; holds no secret.",
        "unset FIRESTORE_EMULATOR_HOST PUBSUB_EMULATOR_HOST CAR_CLOUD_URL FUNCTIONS_URL",
        f"export GOOGLE_CLOUD_PROJECT={shlex.quote(target.project)}",
        f"export WEBHOOK_START_URL={shlex.quote(target.url('webhook_start'))}",
        f"export WEBHOOK_END_URL={shlex.quote(target.url('webhook_end'))}",
        f'{SECRET}="$({fetch})" && export {SECRET}',
    ]
    file = ROOT / target.environment
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def next_steps(target: Target) -> str:
    """Where the functions are, how the first user comes in, and what to type into their phone."""
    public = [function.name for function in FUNCTIONS if function.is_public]
    width = max(map(len, public))
    addresses = "\n".join(f"  {name:{width}}  {target.url(name)}" for name in public)
    return f"""
The mileage log is up.

{addresses}

The first user (once: `gcloud auth application-default login`):
  source {target.environment}
  .venv/bin/python -m tools.admin add-user boris@example.com --name Boris
This prints their key, and the two addresses below with that key in them, also as a QR code for the phone.

Their phone, app Shortcuts, Automation, one for each (docs/iphone.md goes through it step by step):
  When CarPlay connects:     Get Contents of URL, method POST
    {target.url("webhook_start")}?user=boris@example.com&key=KEY
  When CarPlay disconnects:  Get Contents of URL, method POST
    {target.url("webhook_end")}?user=boris@example.com&key=KEY

Try it all with one simulated trip, which is cleaned up afterwards:
  ./deploy.sh --smoke --project {target.project} --region {target.region}"""
