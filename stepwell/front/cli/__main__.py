"""`python -m stepwell.front.cli` is `stepwell`."""

import sys

from stepwell.front.cli.main import main

sys.exit(main())
