"""The server-role peer: MS-PCCRR 3.2 over HTTP.

Invariant: no block leaves that does not have its hash; what is malformed ends its connection without a message.
Byte order: that of the messages.
"""

import os
import socket
import threading
import time

from . import cipher, http1, retrieval
from .wire import Malformed

UPLOAD_SECONDS = 15
CLIENTS = 64
CONNECTIONS_MOST = 256
AGES_MOST = 255


class Store:
    """The segments of one content information, and the file that their blocks are read from."""

    def __init__(self, file, info):
        self.file, self.since = file, time.monotonic()
        self.segments = {segment.id: segment for segment in info.segments}

    def block_indexes(self, segment_id):
        """The blocks of a segment that are here, sorted."""
        segment = self.segments.get(segment_id)
        return [block.index for block in segment.blocks] if segment else []

    def has_whole(self, segment_id):
        """Whether no block of the segment is missing."""
        segment = self.segments[segment_id]
        return sum(block.size for block in segment.blocks) == segment.size

    def read(self, segment_id, index):
        """A block, or None; the file may have changed since it was verified."""
        segment = self.segments.get(segment_id)
        block = next((block for block in segment.blocks if block.index == index), None) if segment else None
        if block is None:
            return None
        data = os.pread(self.file.fileno(), block.size, block.start)
        return data if segment.is_genuine(block, data) else None

    def age(self):
        """How long the segments are here, in hundredths of a second."""
        return int((time.monotonic() - self.since) * 100)


class Responses:
    """What each request is answered with."""

    def __init__(self, store, clients=CLIENTS, mistake=None):
        self.store, self.clients, self.mistake = store, clients, mistake
        self.active, self.lock = 0, threading.Lock()

    def answer(self, data, send):
        """Sends the message that answers a request; Malformed if there is none. A client counts until it is sent."""
        header, reader = retrieval.header(data, retrieval.REQUEST_BYTES_MOST)
        if header.kind in retrieval.RESPONSES:
            raise Malformed("MsgType: a request expected, a response is there")
        if header.major not in retrieval.MAJORS:
            send(retrieval.message(retrieval.NEGO_RESP, retrieval.versions()))
            return
        if header.kind == retrieval.NEGO_REQ:
            retrieval.read_versions(reader)
            send(retrieval.message(retrieval.NEGO_RESP, retrieval.versions()))
            return
        with self.lock:
            full = self.active >= self.clients
            self.active += not full
        try:
            send(self._content(header, reader, full))
        finally:
            with self.lock:
                self.active -= not full

    def _content(self, header, reader, full):
        if header.kind == retrieval.GETBLKLIST:
            return self._block_list(*retrieval.read_get_block_list(reader), full)
        if header.kind == retrieval.GETBLKS:
            return self._block(header.algorithm, *retrieval.read_get_blocks(reader), full)
        # Version 1.0 does not know the message.
        if header.kind == retrieval.GETSEGLIST and header.major == 2:
            return self._segment_list(*retrieval.read_get_segment_list(reader), full)
        raise Malformed(f"MsgType {header.kind} in version {header.major}: unknown")

    def _block_list(self, segment_id, needed, full):
        held = [] if full else self.store.block_indexes(segment_id)
        listed = [i for i in held if any(first <= i < first + count for first, count in needed)]
        if self.mistake == "list-ignores-ranges":
            listed = held
        later = [i for i in held if listed and i > listed[-1]]
        body = retrieval.block_list(segment_id, retrieval.joined(listed), later[0] if later else 0)
        return retrieval.message(retrieval.BLKLIST, body)

    def _block(self, algorithm, segment_id, ranges, full):
        index = min(first for first, _ in ranges)
        held = [] if full else self.store.block_indexes(segment_id)
        plain = None if full else self.store.read(segment_id, index)
        next_index = next((i for i in held if i > index), 0)
        if plain is None:
            body = retrieval.block(segment_id, index, next_index, b"", b"")
            return retrieval.message(retrieval.BLK, body, algorithm)
        iv = b"" if algorithm == cipher.NO_ENCRYPTION else os.urandom(cipher.IV_BYTES)
        if iv and self.mistake == "same-iv":
            iv = bytes(cipher.IV_BYTES)
        data = cipher.encrypt(algorithm, self.store.segments[segment_id].secret, iv, plain)
        body = retrieval.block(segment_id, index, next_index, data, iv)
        return retrieval.message(retrieval.BLK, body, algorithm)

    def _segment_list(self, request_id, segment_ids, full):
        places = [] if full else [i for i, known in enumerate(segment_ids) if known in self.store.segments]
        # Ages count from the first segment listed, in one byte.
        ages = [(i - places[0], self.store.age()) for i in places if i - places[0] < AGES_MOST]
        body = retrieval.segment_list(request_id, retrieval.joined(places), retrieval.ages_blob(ages))
        return retrieval.message(retrieval.SEGLIST, body)


class Server:
    """Listens, and gives each connection a thread."""

    def __init__(self, address, responses):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.listener = socket.create_server(address, family=family, backlog=128)
        self.address, self.responses = self.listener.getsockname()[:2], responses
        self.stopped, self.room = False, threading.BoundedSemaphore(CONNECTIONS_MOST)

    def stop(self):
        """Ends run()."""
        self.stopped = True
        self.listener.shutdown(socket.SHUT_RDWR)

    def run(self):
        """Accepts until stop()."""
        with self.listener:
            while not self.stopped:
                try:
                    connection, _ = self.listener.accept()
                except OSError:
                    # A client that went away, or no more file descriptors for a while.
                    time.sleep(0.01)
                    continue
                if not self.room.acquire(blocking=False):
                    connection.close()
                    continue
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        try:
            with connection:
                channel = http1.Channel(connection, UPLOAD_SECONDS)
                while self._exchange(channel):
                    channel.renew(UPLOAD_SECONDS)
        except (http1.BadHttp, Malformed, OSError):
            # Discarded in silence: the connection ends.
            pass
        finally:
            self.room.release()

    def _exchange(self, channel):
        """One request and its answer; whether another may follow."""
        head = channel.head()
        if head is None:
            return False
        words, fields = head[0].split(" "), head[1]
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise http1.BadHttp("a request line expected")
        refusal = _refusal(words[0], words[1])
        if refusal:
            channel.send(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return False
        if fields.get("expect", "").lower() == "100-continue":
            channel.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        data = channel.whole(fields, retrieval.REQUEST_BYTES_MOST)
        wish = fields.get("connection", "keep-alive" if words[2] == "HTTP/1.1" else "close").lower()
        stays = "close" not in wish

        def send(message):
            body = retrieval.number(len(message)) + message
            front = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
            front += "Content-Type: application/octet-stream\r\n"
            front += "\r\n" if stays else "Connection: close\r\n\r\n"
            channel.send(front.encode() + body)

        self.responses.answer(data, send)
        return stays


def _refusal(method, target):
    """The status that a request ends with that is not for the protocol's path."""
    path = target.partition("?")[0].lower().rstrip("/")
    if path != retrieval.PATH.lower().rstrip("/"):
        return "404 Not Found"
    return "" if method == "POST" else "405 Method Not Allowed\r\nAllow: POST"
