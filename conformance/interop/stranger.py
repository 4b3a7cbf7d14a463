#!/usr/bin/env python3
"""The entry; all else is in the package of the same name beside it.

Invariant: a package that is missing is named, with what to do about it.
Byte order: none.
"""

import sys

try:
    import cryptography  # noqa: F401
except ImportError:
    sys.exit("stranger: the Python package 'cryptography' is missing; install it with: pip install cryptography")

from stranger.command import main

if __name__ == "__main__":
    sys.exit(main())
