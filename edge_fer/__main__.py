"""`python -m edge_fer` is `edge-fer`."""

import sys

from edge_fer.cli.main import main

sys.exit(main())
