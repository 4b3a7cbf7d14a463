"""How segments are named and keyed: MS-PCCRC 2.2.

Invariant: one Hash object for each algorithm; version 2.0 cuts results only, never what goes on inside of HMAC.
Byte order: none, hashes are bytes.
"""

import hashlib
import hmac

# UTF-16LE with its terminating NUL: the document says ASCII, the field does this.
CONSTANT = "MS_P2P_CACHING\0".encode("utf-16-le")


class Hash:
    """A hash algorithm and how many bytes of its results are kept."""

    def __init__(self, name, size):
        self.name, self.size = name, size

    def digest(self, data):
        """Hash of the data."""
        return hashlib.new(self.name, data).digest()[: self.size]

    def keyed(self, key, data):
        """HMAC of the data."""
        return hmac.new(key, data, self.name).digest()[: self.size]

    def server_secret(self, secret_key):
        """Ks of the bytes that an administrator set."""
        return self.digest(secret_key)

    def segment_secret(self, server_secret, hash_of_data):
        """Kp, which is the encryption key Ke too."""
        return self.keyed(server_secret, hash_of_data)

    def segment_id(self, segment_secret, hash_of_data):
        """HoHoDk, the public name of the segment."""
        return self.keyed(segment_secret, hash_of_data + CONSTANT)


SHA256 = Hash("sha256", 32)
SHA384 = Hash("sha384", 48)
SHA512 = Hash("sha512", 64)
TRUNCATED_SHA512 = Hash("sha512", 32)
