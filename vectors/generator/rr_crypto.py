"""Blocks under encryption: [MS-PCCRR] 2.2.3 and 2.2.5.3. The document says nothing of padding; PKCS7 is what the field writes."""

import hashlib

from . import patterns
from .model import VectorFile
from .primitives import decrypt_cbc, encrypt_cbc
from .rr_model import DOCUMENT
from .wire import refused

KEY_BYTES = {1: 16, 2: 24, 3: 32}
TOPICS = "PCCRR-2.2.3-15 PCCRR-2.2.3-16 PCCRR-2.2.3-17 PCCRR-2.2.5.3-07"
VECTOR = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
# A secret captured from a Windows server (MS-PCCRC, version 1.0 content information).
CAPTURED = "11afc0d7949243f94f9c1fab35d9fd1e331fcf7811a2e01d3587b38d770a29e2"
LONG = hashlib.sha512(b"a secret of SHA-512").hexdigest()


def pkcs7(data):
    count = 16 - len(data) % 16
    return data + bytes([count]) * count


def key_of(secret, algorithm):
    return bytes.fromhex(secret)[:KEY_BYTES[algorithm]]


def encrypt(file):
    group = file.group("encrypt", "MS-PCCRR 2.2.5.3", operation="encrypt")
    number = 1
    for algorithm in (1, 2, 3):
        for size in (1, 15, 16, 17, 100):
            case(group, number, algorithm, CAPTURED, VECTOR, [patterns.sequence(size)], "")
            number += 1
    case(group, 20, 1, LONG, VECTOR, [patterns.sequence(40)], "A secret of 64 bytes: only its first 16 are the key. ")
    case(group, 21, 3, LONG[:96], VECTOR, [patterns.sequence(40)], "A secret of 48 bytes: only its first 32 are the key. ")
    case(group, 22, 1, CAPTURED, bytes(16), [patterns.repeat(b"\0", 48)], "Everything zero. ")
    case(group, 23, 1, CAPTURED, b"\xff" * 16, [patterns.sequence(48)], "A vector of ones. ")
    case(group, 24, 1, CAPTURED, VECTOR, [patterns.sequence(65536)], "A whole block: 65,536 bytes become 65,552. ")


def case(group, number, algorithm, secret, vector, content, comment):
    plain, key = patterns.render(content), key_of(secret, algorithm)
    data = encrypt_cbc(key, pkcs7(plain), vector)
    expect = {"result": "valid", "quirks": [], "key": key.hex(), "SizeOfBlock": len(data)}
    if len(data) <= 512:
        expect["Block"] = data.hex()
    else:
        expect["block_sha256"] = hashlib.sha256(data).hexdigest()
    group.test(number, f"{comment}AES_{KEY_BYTES[algorithm] * 8}, {len(plain)} bytes.", TOPICS, {
        "segment_secret": secret, "CryptoAlgoId": algorithm, "IVBlock": vector.hex(), "plaintext": content}, expect, ["padding"])


def decrypt(file):
    group = file.group("decrypt", "hand-made", operation="decrypt")
    sixteen, forty = bytes(range(16)), bytes(range(40))
    rows = (
        (40, 1, sixteen, pkcs7(sixteen), [], "16 bytes and a whole block of padding."),
        (41, 1, forty, pkcs7(forty), [], "40 bytes and eight of padding."),
        (42, 2, forty, pkcs7(forty), [], "The same under AES_192."),
        (43, 3, forty, pkcs7(forty), [], "The same under AES_256."),
        (44, 1, sixteen, sixteen, ["rr-padding-none"], "16 bytes without padding."),
        (45, 3, sixteen * 2, sixteen * 2, ["rr-padding-none"], "32 bytes without padding under AES_256."),
        (46, 1, forty, forty + bytes(8), ["rr-padding-zero"], "40 bytes and eight zeros."),
        (47, 2, sixteen, sixteen + bytes(16), ["rr-padding-zero"], "16 bytes and a whole block of zeros."),
        (48, 1, b"\x01", pkcs7(b"\x01"), [], "One byte."),
        (49, 1, bytes(15) + b"\x01", bytes(15) + b"\x01", ["rr-padding-none"],
         "Without padding, but the content ends as one byte of padding would: the known length decides."),
        (50, 1, bytes(40), bytes(48), ["rr-padding-zero"], "40 zeros and eight more."),
    )
    for number, algorithm, plain, padded, quirks, comment in rows:
        key = key_of(CAPTURED, algorithm)
        data = encrypt_cbc(key, padded, VECTOR)
        assert decrypt_cbc(key, data, VECTOR)[:len(plain)] == plain
        expect = {"result": "quirky" if quirks else "valid", "quirks": quirks, "key": key.hex(), "plaintext": plain.hex()}
        group.test(number, comment, TOPICS, given(algorithm, data, len(plain)), expect, ["padding", *(["quirk"] if quirks else [])])
    data = encrypt_cbc(key_of(CAPTURED, 1), pkcs7(forty), VECTOR)
    for number, block, length, comment in (
            (60, data, 49, "Shorter than the block that it should hold."),
            (61, data, 31, "A cipher block longer than the block and its padding can be."),
            (62, data[:32], 40, "The last cipher block is missing."),
            (63, b"", 40, "Nothing at all.")):
        group.test(number, comment, TOPICS, given(1, block, length), refused("ciphertext-length"), ["padding"])


def given(algorithm, data, length):
    return {"segment_secret": CAPTURED, "CryptoAlgoId": algorithm, "IVBlock": VECTOR.hex(), "Block": data.hex(),
            "block_length": length}


def build():
    file = VectorFile(
        "crypto", "crypto", "Blocks encrypted and decrypted",
        "The key is the front of the segment secret. Encrypt with PKCS7 padding; decrypt to the block length that the content "
        "information tells, and report how the block was padded.", **DOCUMENT)
    encrypt(file)
    decrypt(file)
    return file
