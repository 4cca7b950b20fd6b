"""`python -m tenfold` is the command `tenfold`."""

import sys

from tenfold.cli import main

sys.exit(main())
