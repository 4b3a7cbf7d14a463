"""Hashes, keyed hashes, the key derivation of [MS-PCCRC] 2.2, and AES-CBC for the key file of 2.5 and the blocks of
[MS-PCCRR] 2.2.3.

The hashes come from Python's hashlib and hmac; AES is written out here so that nothing needs to be installed.
"""

import hashlib
import hmac

HASHES = ("sha256", "sha384", "sha512", "sha512-truncated")
DIGEST_LENGTH = {"sha256": 32, "sha384": 48, "sha512": 64, "sha512-truncated": 32}
# The document says ASCII; Windows uses UTF-16LE with its terminator, as the captured identifiers prove.
C2 = "MS_P2P_CACHING\0".encode("utf-16-le")


def _name(algorithm):
    return "sha512" if algorithm == "sha512-truncated" else algorithm


def digest(algorithm, data):
    return hashlib.new(_name(algorithm), data).digest()[:DIGEST_LENGTH[algorithm]]


def keyed(algorithm, key, data):
    return hmac.new(key, data, _name(algorithm)).digest()[:DIGEST_LENGTH[algorithm]]


def server_secret(algorithm, secret_key):
    return digest(algorithm, secret_key)


def segment_secret(algorithm, secret_key, hod):
    return keyed(algorithm, server_secret(algorithm, secret_key), hod)


def segment_id(algorithm, kp, hod):
    return keyed(algorithm, kp, hod + C2)


def _times_x(value):
    return ((value << 1) ^ (0x11B if value & 0x80 else 0)) & 0xFF


def _multiply(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = _times_x(a), b >> 1
    return product


def _make_sbox():
    box = []
    for value in range(256):
        inverse = next((i for i in range(1, 256) if _multiply(value, i) == 1), 0)
        result = 0x63
        for shift in range(5):
            result ^= ((inverse << shift) | (inverse >> (8 - shift))) & 0xFF
        box.append(result)
    return box


SBOX = _make_sbox()
INVERSE_SBOX = [SBOX.index(i) for i in range(256)]
TIMES = {factor: [_multiply(value, factor) for value in range(256)] for factor in (1, 2, 3, 9, 11, 13, 14)}


def _round_keys(key):
    size = len(key) // 4
    words, constant = [list(key[i:i + 4]) for i in range(0, len(key), 4)], 1
    for i in range(size, 4 * (size + 7)):
        word = list(words[i - 1])
        if i % size == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times_x(constant)
        elif size > 6 and i % size == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - size], word)])
    return [sum(words[4 * r:4 * r + 4], []) for r in range(size + 7)]


def _mix(state, row):
    tables = [TIMES[factor] for factor in row]
    return [
        tables[-r % 4][state[c]] ^ tables[(1 - r) % 4][state[c + 1]]
        ^ tables[(2 - r) % 4][state[c + 2]] ^ tables[(3 - r) % 4][state[c + 3]]
        for c in (0, 4, 8, 12) for r in range(4)
    ]


def _encrypt_block(keys, block):
    state, last = [a ^ b for a, b in zip(block, keys[0])], len(keys) - 1
    for number in range(1, last + 1):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < last:
            state = _mix(state, (2, 3, 1, 1))
        state = [a ^ b for a, b in zip(state, keys[number])]
    return bytes(state)


def _decrypt_block(keys, block):
    state, last = list(block), len(keys) - 1
    for number in range(last, 0, -1):
        state = [a ^ b for a, b in zip(state, keys[number])]
        if number < last:
            state = _mix(state, (14, 11, 13, 9))
        state = [INVERSE_SBOX[state[(i - 4 * (i % 4)) % 16]] for i in range(16)]
    return bytes(a ^ b for a, b in zip(state, keys[0]))


def encrypt_cbc(key, data, vector=bytes(16)):
    """AES-CBC with a key of 16, 24 or 32 bytes; `data` must be whole blocks, padding is the caller's."""
    keys, previous, out = _round_keys(key), vector, []
    for i in range(0, len(data), 16):
        previous = _encrypt_block(keys, bytes(a ^ b for a, b in zip(data[i:i + 16], previous)))
        out.append(previous)
    return b"".join(out)


def decrypt_cbc(key, data, vector=bytes(16)):
    keys, previous, out = _round_keys(key), vector, []
    for i in range(0, len(data), 16):
        out.append(bytes(a ^ b for a, b in zip(_decrypt_block(keys, data[i:i + 16]), previous)))
        previous = data[i:i + 16]
    return b"".join(out)


def self_test():
    """FIPS 197 appendix C and SP 800-38A F.2.1, and the way back: a wrong AES must not make a vector."""
    plain = bytes.fromhex("00112233445566778899aabbccddeeff")
    for size, expected in ((16, "69c4e0d86a7b0430d8cdb78070b4c55a"), (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
                           (32, "8ea2b7ca516745bfeafc49904b496089")):
        cipher = encrypt_cbc(bytes(range(size)), plain)
        assert cipher.hex() == expected, cipher.hex()
        assert decrypt_cbc(bytes(range(size)), cipher + cipher)[:16] == plain
    chained = encrypt_cbc(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"),
                          bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"), bytes(range(16)))
    assert chained.hex() == "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2", chained.hex()
