"""Encryption of blocks: MS-PCCRR 2.2.3 and 5.1.

Invariant: the key is the front of the segment secret; the padding is told by the length that the block must have.
Byte order: none.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .wire import Malformed

NO_ENCRYPTION, AES_128, AES_192, AES_256 = range(4)
KEY_BYTES = {AES_128: 16, AES_192: 24, AES_256: 32}
IV_BYTES = 16


def encrypt(algorithm, secret, iv, plain):
    """The block as it travels, with PKCS7 padding."""
    if algorithm == NO_ENCRYPTION:
        return plain
    pad = IV_BYTES - len(plain) % IV_BYTES
    encryptor = _cipher(algorithm, secret, iv).encryptor()
    return encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()


def decrypt(algorithm, secret, iv, data, size):
    """The first `size` bytes of the block: the document is silent about padding, so any fits that goes to a whole cipher
    block."""
    if algorithm == NO_ENCRYPTION:
        plain = data
    else:
        if algorithm not in KEY_BYTES:
            raise Malformed(f"CryptoAlgoId: 0 to 3 expected, {algorithm} is there")
        if len(iv) != IV_BYTES or len(data) % IV_BYTES:
            raise Malformed(f"a block of {len(data)} bytes with an IV of {len(iv)} is not AES in CBC mode")
        decryptor = _cipher(algorithm, secret, iv).decryptor()
        plain = decryptor.update(data) + decryptor.finalize()
    if not size <= len(plain) <= size + IV_BYTES:
        raise Malformed(f"a block of {size} bytes expected, {len(plain)} came")
    return plain[:size]


def _cipher(algorithm, secret, iv):
    return Cipher(algorithms.AES(secret[: KEY_BYTES[algorithm]]), modes.CBC(iv))
