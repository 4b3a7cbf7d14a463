"""Messages put together field by field, so that a test can name the field at fault and get its offset."""

import hashlib

from . import patterns

LONGEST_HEX = 512


class Message:
    """Bytes with the place of each field; a name that comes again gets a number behind it."""

    def __init__(self):
        self.data, self.places = b"", {}

    def put(self, name, data):
        key, number = name, 1
        while key in self.places:
            number += 1
            key = f"{name}.{number}"
        self.places[key] = (len(self.data), len(data))
        self.data += data
        return self

    def be(self, name, size, value):
        return self.put(name, value.to_bytes(size, "big"))

    def le(self, name, size, value):
        return self.put(name, value.to_bytes(size, "little"))

    def at(self, name):
        return self.places[name][0]

    def end(self, name):
        return sum(self.places[name])

    def with_bytes(self, name, data):
        start, size = self.places[name]
        assert len(data) == size, name
        return self.data[:start] + data + self.data[start + size:]


def given(data):
    """The bytes of a message, written out, or as runs when they are long."""
    if len(data) <= 4 * LONGEST_HEX:
        return {"bytes": data.hex()}
    parts, at = [], 0
    while at < len(data):
        run = next((end for end in range(at, len(data)) if data[end] != data[at]), len(data))
        if run - at >= 64:
            parts.append(patterns.repeat(data[at:at + 1], run - at))
            at = run
            continue
        # Bytes up to the next long run stand as they are.
        end = at + 1
        while end < len(data) and data[end:end + 64] != data[end:end + 1] * 64:
            end += 1
        parts.append(patterns.repeat(data[at:end], end - at))
        at = end
    assert patterns.render(parts) == data
    return {"parts": parts}


def blob(data):
    """A value of bytes: in hex, or by length and hash."""
    if len(data) <= LONGEST_HEX:
        return data.hex()
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def accepted(fields, quirks=()):
    return {"result": "quirky" if quirks else "valid", "quirks": list(quirks), "fields": fields}


def refused(error, offset=None):
    expect = {"result": "invalid", "error": error}
    if offset is not None:
        expect["offset"] = offset
    return expect
