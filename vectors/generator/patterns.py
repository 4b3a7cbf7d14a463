"""Content that a test describes instead of carrying: a list of parts, one behind the other.

Each pattern is defined in README.md so that any language can make the same bytes.
"""

import hashlib

WORDS = (
    "branch", "cache", "segment", "block", "server", "client", "offer", "probe",
    "hash", "secret", "range", "office", "content", "peer", "message", "link",
)
# 251 is prime, so the blocks of a repetition differ from each other.
SEQUENCE = bytes(range(251))


def repeat(data, length):
    return {"pattern": "repeat", "hex": data.hex(), "length": length}


def sequence(length):
    return repeat(SEQUENCE, length)


def noise(seed, length):
    return {"pattern": "sha256-counter", "seed": seed, "length": length}


def text(seed, length):
    return {"pattern": "words", "seed": seed, "length": length}


def _counter_stream(seed, length):
    head, out = hashlib.sha256(seed.encode()), bytearray()
    for counter in range((length + 31) // 32):
        state = head.copy()
        state.update(counter.to_bytes(8, "big"))
        out += state.digest()
    return bytes(out[:length])


def _words(seed, length):
    # The shortest word with its separator is five bytes.
    out = bytearray()
    for choice in _counter_stream(seed, length // 5 + 1):
        out += WORDS[choice & 15].encode() + (b"\n" if choice >= 0xF0 else b" ")
    return bytes(out[:length])


def _part(part):
    length = part["length"]
    if part["pattern"] == "repeat":
        data = bytes.fromhex(part["hex"])
        return (data * (length // len(data) + 1))[:length]
    if part["pattern"] == "sha256-counter":
        return _counter_stream(part["seed"], length)
    return _words(part["seed"], length)


def render(parts):
    data = b"".join(_part(part) for part in parts)
    assert len(data) == sum(part["length"] for part in parts)
    return data
