"""The stranger over sockets of the loopback: a download from peers good and bad, and HTTP that is none.

Invariant: seconds, loopback only.
Byte order: that of what is tested.
"""

import http.server
import os
import socket
import tempfile
import threading
import unittest

from stranger import asking, client, content, create, http1, peer, retrieval
from test_stranger import made


class Quiet(http.server.ThreadingHTTPServer):
    """A server to which it is all the same that a client goes before the end."""

    def handle_error(self, *_):
        pass


class Origin(http.server.BaseHTTPRequestHandler):
    """An origin with one content, that notes what it is asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, asked = self.server, {name.lower(): value for name, value in self.headers.items()}
        server.asked.append(asked)
        body, fields, status = server.body, {}, 200
        if "range" in asked:
            start, end = (int(number) for number in asked["range"].removeprefix("bytes=").split("-"))
            body, status = body[start : end + 1], 206
            fields = {"Content-Range": f"bytes {start}-{end}/{len(server.body)}"}
        elif asked.get("accept-encoding") == "peerdist" and server.info:
            fields = {"Content-Encoding": "PeerDist", "X-P2P-PeerDist": f"Version=1.1, ContentLength={len(body)}"}
            body = server.info
        elif server.make_hash_request:
            fields = {"X-P2P-PeerDistEx": "MakeHashRequest=true"}
        self.send_response(status)
        for name, value in {**fields, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Getting(unittest.TestCase):
    def setUp(self):
        self.body = os.urandom(65536 * 9 + 1)
        self.origin = Quiet(("127.0.0.1", 0), Origin)
        self.origin.body, self.origin.asked, self.origin.make_hash_request = self.body, [], False
        self.origin.info = content.write(made(self.body, 1))
        threading.Thread(target=self.origin.serve_forever, args=[0.02], daemon=True).start()
        self.addCleanup(self.origin.server_close)
        self.addCleanup(self.origin.shutdown)
        self.room = tempfile.TemporaryDirectory()
        self.addCleanup(self.room.cleanup)
        self.output = os.path.join(self.room.name, "out")

    def peer(self, data, info):
        """A peer that serves this file for this content information, whatever is true."""
        file = tempfile.TemporaryFile()
        self.addCleanup(file.close)
        file.write(data)
        file.flush()
        store = peer.Store(file, info)
        server = peer.Server(("127.0.0.1", 0), peer.Responses(store))
        threading.Thread(target=server.run, daemon=True).start()
        self.addCleanup(server.stop)
        return server

    def get(self, **settings):
        url = f"http://127.0.0.1:{self.origin.server_port}/a?b"
        summary = client.Get(url, self.output, **settings).run()
        with open(self.output, "rb") as file:
            return file.read(), summary

    def test_takes_from_a_peer_what_it_has_and_the_rest_from_the_origin(self):
        for version in (1, 2):
            info = made(self.body, version)
            self.origin.info, self.origin.asked = content.write(info), []
            if version == 1:
                del info.segments[0].blocks[3:7]
            else:
                del info.segments[2]
            server = self.peer(self.body, info)
            body, summary = self.get(peers=[("127.0.0.1", 1), server.address])
            self.assertEqual(body, self.body)
            lacks = 4 * 65536 if version == 1 else create.V2_CUT_BYTES
            self.assertEqual((summary["from_origin"], summary["from_peers"]), (lacks, len(body) - lacks))
            first, missing = self.origin.asked
            self.assertEqual(first["x-p2p-peerdistex"], "MinContentInformation=1.0, MaxContentInformation=2.0")
            self.assertIn("MissingDataRequest=true", missing["x-p2p-peerdist"])
            self.assertEqual(missing["accept-encoding"], "identity")

    def test_survives_a_peer_that_lies_unless_it_does_not_look(self):
        info = made(self.body, 1)
        wrong = bytearray(self.body)
        wrong[65536 * 4] ^= 1

        class Lies(peer.Store):
            def read(self, segment_id, index):
                return bytes(wrong[index * 65536 : (index + 1) * 65536])

        server = self.peer(b"", info)
        server.responses.store = Lies(None, info)
        body, summary = self.get(peers=[server.address])
        self.assertEqual((body, summary["from_peers"]), (self.body, 4 * 65536))
        body, summary = self.get(peers=[server.address], mistake="unverified-blocks")
        self.assertEqual((body, summary["from_origin"]), (wrong, 0))

    def test_asks_missing_data_with_the_coding_only_by_mistake(self):
        body, _ = self.get(peers=[("127.0.0.1", 1)], mistake="coded-missing-data")
        self.assertEqual(body, self.body)
        self.assertEqual(self.origin.asked[-1]["accept-encoding"], "peerdist")

    def test_takes_the_plain_body_where_there_are_no_hashes_and_asks_for_them_when_told(self):
        self.origin.info, self.origin.make_hash_request = None, True
        self.assertEqual(self.get()[0], self.body)
        self.assertIn("HashRequest=true", self.origin.asked[-1]["x-p2p-peerdistex"])

    def test_takes_the_plain_body_where_content_information_is_no_good(self):
        for info in (
            b"\0\1",
            content.write(made(self.body[:-1], 1)),
            content.write(made(bytes(len(self.body)), 2)),
        ):
            self.origin.info = info
            body, summary = self.get(peers=[("127.0.0.1", 1)])
            self.assertEqual(body, self.body)
            self.assertTrue(summary["refused"])

    def test_leaves_nothing_behind_when_it_fails(self):
        self.origin.shutdown()
        self.origin.server_close()
        self.assertRaises(http1.BadHttp, self.get)
        self.assertEqual(os.listdir(self.room.name), [])

    def test_a_bad_request_ends_its_connection_and_the_next_one_is_served(self):
        info = made(self.body, 1)
        server = self.peer(self.body, info)
        good = f"POST {retrieval.PATH} HTTP/1.1\r\nHost: a\r\n".encode()
        wrong = [
            b"\r\n\r\n", b"POST\r\n\r\n", good + b"Content-Length: 5\r\n\r\nhello", good + b"Content-Length: -1\r\n\r\n",
            good + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"a" * 99999, good + b"a" * 99999,
            good + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", good + b"Content-Length: 999999\r\n\r\n" + bytes(200000),
            good + "Content-Length: \u00b2\r\n\r\n".encode("latin-1"), good + b" : a\r\n\r\n",
        ]  # fmt: skip
        for data in wrong:
            with socket.create_connection(server.address, timeout=5) as connection:
                try:
                    connection.sendall(data)
                    self.assertEqual(connection.recv(99), b"")
                except ConnectionError:
                    pass
        for target, status in (("/other", b"404"), (retrieval.PATH, b"405")):
            with socket.create_connection(server.address, timeout=5) as connection:
                connection.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode())
                self.assertEqual(connection.recv(99)[9:12], status)
        block = info.segments[0].blocks[2]
        self.assertEqual(asking.block(server.address, info.segments[0], block), self.body[131072:196608])

    def test_several_requests_go_over_one_connection_whatever_the_case_of_the_path(self):
        server = self.peer(self.body, made(self.body, 1))
        message = retrieval.message(retrieval.NEGO_REQ, retrieval.versions())
        with socket.create_connection(server.address, timeout=5) as connection:
            channel = http1.Channel(connection, 5)
            for path in (retrieval.PATH, retrieval.PATH.lower(), retrieval.PATH.upper().rstrip("/")):
                channel.send(f"POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n18;x=y\r\n".encode())
                channel.send(message + b"\r\n0\r\nTrailer: a\r\n\r\n")
                status, fields = channel.head()
                header, _ = retrieval.response(channel.whole(fields, 100))
                self.assertEqual((status[9:12], header.kind), ("200", retrieval.NEGO_RESP))


if __name__ == "__main__":
    unittest.main()
