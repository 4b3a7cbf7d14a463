"""As much of HTTP/1.1 as both sides need: RFC 9112.

Invariant: heads and bodies are bounded, and a deadline ends every wait, however slowly bytes trickle in.
Byte order: none.
"""

import socket
import time

HEAD_BYTES_MOST = 16 * 1024
FIELDS_MOST = 100
READ_BYTES = 64 * 1024


class BadHttp(Exception):
    """The other side does not speak HTTP as it should, or not in time."""


class Channel:
    """A connected socket that is read and written against a deadline."""

    def __init__(self, connection, seconds):
        self.connection, self.buffer = connection, bytearray()
        self.renew(seconds)

    def renew(self, seconds):
        """Puts the deadline so many seconds from now."""
        self.deadline = time.monotonic() + seconds

    def _arm(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise BadHttp("too slow")
        self.connection.settimeout(left)

    def _fill(self):
        self._arm()
        try:
            data = self.connection.recv(READ_BYTES)
        except socket.timeout:
            raise BadHttp("too slow") from None
        except OSError as error:
            raise BadHttp(f"connection lost: {error}") from None
        self.buffer += data
        return bool(data)

    def send(self, data):
        """Sends all of it."""
        self._arm()
        try:
            self.connection.sendall(data)
        except socket.timeout:
            raise BadHttp("too slow") from None
        except OSError as error:
            raise BadHttp(f"connection lost: {error}") from None

    def line(self):
        """A line without its end."""
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > HEAD_BYTES_MOST:
                raise BadHttp(f"a line of more than {HEAD_BYTES_MOST} bytes")
            if not self._fill():
                raise BadHttp("the connection ended inside a line")
        line = bytes(self.buffer[:end]).removesuffix(b"\r")
        del self.buffer[: end + 1]
        return line.decode("latin-1")

    def head(self):
        """The first line and the fields by their names in lower case; None if the connection ended before."""
        if not self.buffer and not self._fill():
            return None
        first, fields, size = self.line(), {}, 0
        while line := self.line():
            size += len(line)
            name, colon, value = line.partition(":")
            if (
                size > HEAD_BYTES_MOST
                or len(fields) >= FIELDS_MOST
                or not colon
                or not name
                or name != name.strip()
            ):
                raise BadHttp("a field that is none, or too many of them")
            name, value = name.lower(), value.strip()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return first, fields

    def some(self, most):
        """At least one byte and at most so many; nothing at the end of the connection."""
        if not self.buffer and not self._fill():
            return b""
        data = bytes(self.buffer[:most])
        del self.buffer[: len(data)]
        return data

    def body(self, fields, seconds=None, until_end=False):
        """The pieces of a body; with `seconds`, each piece has so long to come."""
        if "transfer-encoding" in fields:
            if fields["transfer-encoding"].lower() != "chunked" or "content-length" in fields:
                raise BadHttp("a transfer coding other than chunked, or a length beside it")
            yield from self._chunks(seconds)
        elif "content-length" in fields:
            yield from self._sized(decimal(fields["content-length"]), seconds)
        elif until_end:
            while data := self._piece(READ_BYTES, seconds):
                yield data

    def _piece(self, most, seconds):
        if seconds is not None:
            self.renew(seconds)
        return self.some(most)

    def _sized(self, size, seconds):
        while size:
            data = self._piece(min(size, READ_BYTES), seconds)
            if not data:
                raise BadHttp(f"the connection ended {size} bytes before the body did")
            size -= len(data)
            yield data

    def _chunks(self, seconds):
        while True:
            digits = self.line().partition(";")[0].strip()
            if not 1 <= len(digits) <= 15 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
                raise BadHttp("a chunk without a size")
            if size := int(digits, 16):
                yield from self._sized(size, seconds)
                if self.line():
                    raise BadHttp("a chunk that does not end where it should")
                continue
            for _ in range(FIELDS_MOST):
                if not self.line():
                    return
            raise BadHttp("too many trailers")

    def whole(self, fields, most, until_end=False):
        """The body in one piece; one of more than `most` bytes is refused."""
        data = bytearray()
        for piece in self.body(fields, until_end=until_end):
            data += piece
            if len(data) > most:
                raise BadHttp(f"a body of more than {most} bytes")
        return bytes(data)


def decimal(text):
    """A number of decimal digits."""
    if not _is_number(text):
        raise BadHttp(f"a number expected, {text[:40]!r} is there")
    return int(text)


def _is_number(text):
    return text.isascii() and text.isdigit() and len(text) <= 18


def connect(address, seconds):
    """A channel to (host, port); all that is sent and received has so long."""
    try:
        connection = socket.create_connection(address, timeout=seconds)
    except (OSError, UnicodeError) as error:
        raise BadHttp(f"{show(address)} is not reached: {error}") from None
    return Channel(connection, seconds)


def ask(address, method, target, fields, seconds, body=b""):
    """Sends a request, and takes the head of its answer: (channel, status, fields). The caller closes the channel."""
    channel = connect(address, seconds)
    try:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {show(address)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        channel.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        while True:
            head = channel.head()
            if head is None:
                raise BadHttp("no answer")
            status = head[0].split(" ")[1:2]
            if not head[0].startswith("HTTP/1.") or not status or not _is_number(status[0]):
                raise BadHttp(f"a status line expected, {head[0][:40]!r} is there")
            if int(status[0]) >= 200:
                return channel, int(status[0]), head[1]
    except BaseException:
        channel.connection.close()
        raise


def split(text):
    """HOST:PORT or [HOST]:PORT as (host, port)."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not _is_number(port) or int(port) > 65535:
        raise ValueError(f"HOST:PORT expected, {text[:60]!r} is there")
    if host.startswith("[") != host.endswith("]") or (":" in host) != host.startswith("["):
        raise ValueError(f"HOST:PORT expected, {text[:60]!r} is there; an IPv6 address stands in brackets")
    return host.strip("[]"), int(port)


def show(address):
    """(host, port) as HOST:PORT."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
