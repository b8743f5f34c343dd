"""`python -m mincloud` is `mincloud-py`."""

import sys

from .cli import main

sys.exit(main())
