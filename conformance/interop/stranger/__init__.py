"""A PeerDist peer, responder and client of their own: MS-PCCRC, MS-PCCRR, MS-PCCRD, MS-PCCRTP.

Invariant: written from the documents; nothing of the Rust packages is called or read.
Byte order: each module says its own.
"""
