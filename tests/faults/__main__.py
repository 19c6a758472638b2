"""The fault suite in full: `python -m tests.faults [--faults 300] [--seed N] [--page docs/reliability.md]`.

Ends with 1 where a bar is not held, and says which. The same seed breaks the same things in the same order, after the
same waits; how far each has got by then is the machine's affair.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.broker import tool
from tests.faults.bars import failures, table
from tests.faults.outage import Outage, outage
from tests.faults.suite import run
from tests.marked import replace


def outage_line(found: Outage) -> str:
    return (
        "72 hours without a broker at one event a second, each as long as they come, in invented time:"
        f" {found.waiting:,} of {found.events:,} events wait, in {found.size / 1e6:.0f} MB of"
        f" {found.limit / 1e6:.0f} MB."
    )


def broker_version() -> str:
    said = subprocess.run([tool("mosquitto"), "-h"], capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0].replace("version ", "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=300, help="how many")
    parser.add_argument("--seed", type=int, default=None, help="to run the same again; random if left out")
    parser.add_argument("--hurry", type=float, default=1.0, help="what the waits are shortened to")
    parser.add_argument("--page", type=Path, help="a page to write the numbers to")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and outboxes, which is kept")
    args = parser.parse_args()
    # whoever ends us leaves no process and no disk behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(args.keep or Path(folder), count=args.faults, seed=seed, say=True, hurry=args.hurry)
        waited = outage(Path(folder) / "outage")
    numbers = f"{table(outcome)}\n\n{outage_line(waited)}\n\nThe broker was {broker_version()}."
    print(numbers)
    wrong = failures(outcome)
    if waited.dropped or waited.waiting != waited.events:
        wrong.append(f"an outage of 72 hours does not fit: {waited}")
    if wrong:
        print("\nNOT HELD:", *wrong, sep="\n- ")
        return 1
    if args.page:
        replace(args.page, "numbers", numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
