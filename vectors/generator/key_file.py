"""[MS-PCCRC] 2.5: the exported secret key.

AES-256-CBC with a zero initialisation vector; key SHA-256 of the passphrase in UTF-16LE; plaintext
SHA-256(secret key) followed by the secret key, padded as in PKCS7.
"""

import hashlib

from . import captured
from .model import VectorFile
from .primitives import decrypt_cbc, encrypt_cbc


def _key(passphrase):
    return hashlib.sha256(passphrase.encode("utf-16-le")).digest()


def _padded(data):
    fill = 16 - len(data) % 16
    return data + bytes([fill]) * fill


def _plain(secret_key):
    return hashlib.sha256(secret_key).digest() + secret_key


def export(passphrase, secret_key):
    return encrypt_cbc(_key(passphrase), _padded(_plain(secret_key)))


def read(passphrase, file):
    """The secret key, or the kind of error as a string."""
    if not file or len(file) % 16:
        return "key-file-length"
    plain = decrypt_cbc(_key(passphrase), file)
    fill = plain[-1]
    if not 1 <= fill <= 16 or plain[-fill:] != bytes([fill]) * fill:
        return "key-file-padding"
    plain = plain[:-fill]
    if len(plain) < 32:
        return "key-file-too-short"
    return plain[32:] if hashlib.sha256(plain[32:]).digest() == plain[:32] else "key-file-hash"


KEYS = (
    (1, "secret", b"no more secrets", "15 bytes of key: 47 of plaintext, so one byte of padding.", ()),
    (2, "secret", captured.SECRET_KEY, "32 bytes of key: the plaintext is whole blocks, so a whole block of padding.", ()),
    (3, "p", b"\x00", "The shortest key.", ("boundary",)),
    (4, "a longer passphrase, with spaces", bytes(range(64)), "64 bytes of key.", ()),
    (5, "secret", bytes(range(200)), "200 bytes of key.", ()),
    (6, "Gl\u00fcck und \u20ac", b"no more secrets", "A passphrase outside ASCII.", ("passphrase",)),
    (7, "key \U0001f511 ring", b"no more secrets", "A passphrase with a surrogate pair.", ("passphrase", "surrogate-pair")),
    (8, "secret", "no more secrets".encode("utf-16-le"), "A key that was itself typed as a passphrase.", ("passphrase",)),
    (9, "secret", b"\x01" * 16, "A key that ends like padding.", ()),
    (10, "secret", b"\x10" * 32, "A key of bytes that look like a block of padding, before the true one.", ()),
)


def _changed(data, offset):
    return data[:offset] + bytes([data[offset] ^ 0x01]) + data[offset + 1:]


def _raw(passphrase, plain):
    return encrypt_cbc(_key(passphrase), plain)


def _invalid_rows():
    good = export("secret", b"no more secrets")
    secret = b"no more secrets"
    yield 60, "wrong", good, "key-file-padding", "The wrong passphrase.", ()
    yield 61, "Secret", good, "key-file-padding", "A passphrase is case-sensitive.", ("passphrase",)
    yield 62, "secret\0", good, "key-file-padding", "The terminating NUL is not part of the passphrase.", ("passphrase",)
    yield 63, _passphrase_with_good_padding(good), good, "key-file-hash", \
        "A wrong passphrase whose plaintext happens to end in a good padding: only the hash tells.", ("passphrase",)
    yield 64, "secret", _changed(good, 0), "key-file-hash", "A bit of the first cipher block: the hash does not match.", \
        ("corrupted",)
    yield 65, "secret", _changed(good, 20), "key-file-hash", "A bit of the second cipher block.", ("corrupted",)
    yield 66, "secret", _changed(good, 47), "key-file-padding", "A bit of the last cipher block: the padding is garbage.", \
        ("corrupted",)
    yield 67, "secret", b"", "key-file-length", "An empty file.", ("truncation",)
    yield 68, "secret", good[:-1], "key-file-length", "One byte short.", ("truncation",)
    yield 69, "secret", good + b"\0", "key-file-length", "One byte too long.", ("trailing-data",)
    yield 70, "secret", good[:1], "key-file-length", "A single byte.", ("truncation",)
    yield 71, "secret", good[:32], "key-file-padding", "The last block is missing.", ("truncation",)
    yield 72, "secret", good + bytes(16), "key-file-padding", "A block of zeros behind the file.", ("trailing-data",)
    yield 73, "secret", _raw("secret", _plain(secret) + b"\x00"), "key-file-padding", "The padding length is 0.", ("corrupted",)
    yield 74, "secret", _raw("secret", _plain(secret) + b"\x11"), "key-file-padding", \
        "The padding length is 17, more than a block.", ("corrupted", "boundary")
    yield 75, "secret", _raw("secret", _plain(b"thirteen byte") + b"\x03\x02\x03"), "key-file-padding", \
        "The padding is three bytes long, but they are not all 3.", ("corrupted",)
    yield 76, "secret", _raw("secret", _padded(b"")), "key-file-too-short", "Nothing but padding.", ("truncation",)
    yield 77, "secret", _raw("secret", _padded(hashlib.sha256(secret).digest()[:31])), "key-file-too-short", \
        "31 bytes of plaintext: no room for the hash.", ("truncation", "boundary")
    yield 78, "secret", _raw("secret", _padded(hashlib.sha256(b"other").digest() + secret)), "key-file-hash", \
        "The hash is that of another key.", ("corrupted",)
    yield 79, "secret", _raw("secret", _padded(secret + hashlib.sha256(secret).digest())), "key-file-hash", \
        "Key and hash are swapped.", ("corrupted",)
    yield 80, "secret", _raw("secret", _padded(_plain(secret) + b"!")), "key-file-hash", \
        "A byte more than the hash covers.", ("trailing-data",)


def _passphrase_with_good_padding(file):
    return next(p for p in (f"wrong {i}" for i in range(10000)) if read(p, file) == "key-file-hash")


def build():
    file = VectorFile(
        "key_file", "key_file", "Key file",
        "Export and import of the server's secret key. The encryption has no salt, so an export is the same bytes every time.")
    exports = file.group("export", "MS-PCCRC 2.5", operation="export")
    imports = file.group("import", "MS-PCCRC 2.5", operation="import")
    for number, passphrase, secret_key, comment, flags in KEYS:
        data = export(passphrase, secret_key)
        assert read(passphrase, data) == secret_key
        exports.test(number, comment, "key-file", {"passphrase": passphrase, "secret_key": secret_key.hex()},
                     {"result": "valid", "file": data.hex()}, flags)
        imports.test(30 + number, comment, "key-file", {"passphrase": passphrase, "file": data.hex()},
                     {"result": "valid", "secret_key": secret_key.hex()}, flags)
    broken = file.group("import-refused", "hand-made", operation="import")
    for number, passphrase, data, error, comment, flags in _invalid_rows():
        seen = read(passphrase, data)
        assert seen == error, f"key file {number}: stated {error}, read {seen}"
        broken.test(number, comment, "key-file", {"passphrase": passphrase, "file": data.hex()},
                    {"result": "invalid", "error": error}, flags)
    return file
