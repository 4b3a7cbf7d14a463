"""The mistakes that can be switched on, each one that implementations really make.

Invariant: each names one requirement of conformance/requirements that it breaks, and leaves all else alone.
Byte order: none.
"""

from dataclasses import dataclass


@dataclass
class Mistake:
    """A name for the command line, the role that makes it, what it breaks, and one line about it."""

    name: str
    role: str
    requirement: str
    about: str


MISTAKES = [
    Mistake(
        "same-iv",
        "peer",
        "PCCRR-2.2.5.3-10",
        "every block is encrypted with the same initialization vector, all zero",
    ),
    Mistake(
        "list-ignores-ranges",
        "peer",
        "PCCRR-3.2.5.2-05",
        "MSG_BLKLIST lists all blocks there are, not those asked about",
    ),
    Mistake(
        "unrelated-match",
        "responder",
        "PCCRD-4.3-01",
        "RelatesTo of a match is a fresh id and not the probe's MessageID",
    ),
    Mistake(
        "unverified-blocks", "client", "PCCRC-2.2-13", "blocks from peers are taken without a look at their hashes"
    ),
    Mistake(
        "coded-missing-data", "client", "PCCRTP-2.2-09", "missing data are asked for with Accept-Encoding: peerdist"
    ),
]
# The command that a role runs in.
COMMANDS = {"peer": "peer", "responder": "peer", "client": "get"}


def names(command):
    """The mistakes of a command."""
    return [mistake.name for mistake in MISTAKES if COMMANDS[mistake.role] == command]
