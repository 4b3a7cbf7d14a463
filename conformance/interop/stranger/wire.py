"""Reading bytes that came from elsewhere: a cursor that never leaves them.

Invariant: every failure is a Malformed that names the offset and what was expected there.
Byte order: in the name of each method.
"""


class Malformed(Exception):
    """What came is not what the document says it is."""


class Reader:
    """A cursor over bytes."""

    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def left(self):
        """How many bytes are still to be read."""
        return len(self.data) - self.at

    def take(self, size, name):
        """The next `size` bytes."""
        if size > self.left():
            raise Malformed(f"{name} at offset {self.at}: {size} bytes expected, {self.left()} are there")
        self.at += size
        return self.data[self.at - size : self.at]

    def be(self, size, name):
        """An unsigned number, most significant byte first."""
        return int.from_bytes(self.take(size, name), "big")

    def le(self, size, name):
        """An unsigned number, least significant byte first."""
        return int.from_bytes(self.take(size, name), "little")

    def padding(self, name):
        """0 to 3 bytes of zero up to the next multiple of 4 from the start."""
        pad = self.take(-self.at % 4, name)
        if any(pad):
            raise Malformed(f"{name} before offset {self.at}: zero expected, {pad.hex()} is there")

    def end(self, name):
        """Refuses what is left."""
        if self.left():
            raise Malformed(f"{name}: its end expected at offset {self.at}, {self.left()} bytes follow")


def padded(data):
    """The bytes with zeros behind them up to a multiple of 4."""
    return data + bytes(-len(data) % 4)
