"""The stranger held against captured values, itself, and what is malformed.

Invariant: seconds, loopback only, the same seed each time.
Byte order: that of what is tested.
"""

import io
import os
import random
import sys
import tempfile
import threading
import unittest

from stranger import (
    cipher,
    command,
    content,
    create,
    discovery,
    http1,
    identify,
    mistakes,
    origin,
    peer,
    retrieval,
    soap,
)
from stranger.wire import Malformed

SECRET = bytes.fromhex("2a3d73eb435e9f2b8a344267e7467a3c7385c6e055e2b4d30dfec7c38b0ed72c")
# Captured from a Windows server, for one file of 99,710 bytes: size, HoD, Kp, HoHoDk.
V1_BLOCKS = [
    "73c18ab8549110f8e90e71bbc3ab2aa8c44d13f4929499255b660f24ec77800b",
    "974bdd65567fdeeccdafe457a9503b4548f66ed3b188dcfda0ac382b09711acc",
]
V1_SEGMENT = (
    99710,
    "d8d976354a4872e925761803f458d9daaa67f8e31c630fb74e6a312ef8a25aba",
    "11afc0d7949243f94f9c1fab35d9fd1e331fcf7811a2e01d3587b38d770a29e2",
    "491b217dbee2b5f12ca79b015e06f4bbe64f9745bad7867aef17de59927edce9",
)
V2_SEGMENTS = [
    (
        39390,
        "e0d0c358e2684b62330d32b5f1978724a0d0a52bdc5e781fae71ff57a8be3dd4",
        "58037ed404116bb616d9b14116088520c47cdc50abcea3fae188a98ea22df3c0",
        "3371bbeaddb62353adcef970a06fdf65001e0421f4c7108276b0c37a9f9ec10f",
    ),
    (
        60320,
        "3381d0d0cb74f4b613d8210f37f002a06f3910586096a130d34398c08e66d7bc",
        "b8b6eb7783e4f807647b63f146b52f4ac89ccc7abf5fa11acafc2acf5028586c",
        "d7e924425e8f4f88f01dc6a9bb1bc37be113ec7917c745d4965c2b55fa163a6e",
    ),
]


def captured_v1():
    """The structure that the captured hashes belong to."""
    size, hash_of_data, secret, _ = V1_SEGMENT
    head = bytes.fromhex("00010c800000") + bytes(8) + (1).to_bytes(4, "little")
    description = bytes(8) + size.to_bytes(4, "little") + (65536).to_bytes(4, "little")
    description += bytes.fromhex(hash_of_data + secret)
    return head + description + (2).to_bytes(4, "little") + bytes.fromhex("".join(V1_BLOCKS))


def captured_v2():
    """The same in version 2.0."""
    data = b"".join(size.to_bytes(4, "big") + bytes.fromhex(hod + secret) for size, hod, secret, _ in V2_SEGMENTS)
    return bytes.fromhex("000204") + bytes(28) + b"\0" + len(data).to_bytes(4, "big") + data


def made(data, version, digest=identify.SHA256):
    return create.create(io.BytesIO(data), version, SECRET, digest)


class Identification(unittest.TestCase):
    def test_derives_what_windows_derives(self):
        for digest, rows in ((identify.SHA256, [V1_SEGMENT]), (identify.TRUNCATED_SHA512, V2_SEGMENTS)):
            for _, hash_of_data, secret, segment_id in rows:
                hash_of_data = bytes.fromhex(hash_of_data)
                derived = digest.segment_secret(digest.server_secret(SECRET), hash_of_data)
                self.assertEqual(derived.hex(), secret)
                self.assertEqual(digest.segment_id(derived, hash_of_data).hex(), segment_id)
        hashes = bytes.fromhex("".join(V1_BLOCKS))
        self.assertEqual(identify.SHA256.digest(hashes).hex(), V1_SEGMENT[1])

    def test_reads_and_writes_what_windows_wrote(self):
        for data, rows in ((captured_v1(), [V1_SEGMENT]), (captured_v2(), V2_SEGMENTS)):
            info = content.parse(data)
            self.assertEqual([(s.size, s.id.hex()) for s in info.segments], [(row[0], row[3]) for row in rows])
            self.assertEqual((info.start, info.end), (0, 99710))
            self.assertEqual(content.write(info), data)


class ContentInformation(unittest.TestCase):
    def test_comes_back_as_it_was_written(self):
        long = os.urandom(65536) * 513
        for data in (b"x", long[:65536], long[:200001], long[: 1024 * 1024 + 7], long):
            cases = [(2, identify.SHA256)] + [(1, digest) for digest in content.V1_HASHES.values()]
            for version, digest in cases:
                info = made(data, version, digest)
                again = content.parse(content.write(info))
                self.assertEqual(again, info)
                self.assertEqual(again.end, len(data))
                self.assertIsNone(create.first_difference(io.BytesIO(data), again))
        self.assertEqual(len(made(long, 1).segments), 2)

    def test_names_the_first_block_that_differs(self):
        data = bytearray(os.urandom(300000))
        infos = [made(data, 1), made(data, 2)]
        data[200000] ^= 1
        found = [create.first_difference(io.BytesIO(data), info).start for info in infos]
        self.assertEqual(found, [196608, 196608])

    def test_reads_a_range_with_either_count_of_blocks(self):
        whole = content.write(made(bytes(200000), 1))
        front, blocks = bytearray(whole[:98]), whole[102:]
        front[6:10] = (70000).to_bytes(4, "little")
        front[10:14] = (80000).to_bytes(4, "little")
        for first in (0, 1):
            listed = blocks[first * 32 : 3 * 32]
            info = content.parse(bytes(front) + (3 - first).to_bytes(4, "little") + listed)
            self.assertEqual((info.start, info.end), (70000, 150000))
            self.assertEqual([block.index for block in info.segments[0].blocks], [0, 1, 2][first:])

    def test_refuses_what_is_cut_or_longer(self):
        for data in (captured_v1(), captured_v2()):
            for size in range(len(data)):
                # Version 2.0 has no count of chunks, yet it has one at least.
                self.assertRaises(Malformed, content.parse, data[:size])
            self.assertRaises(Malformed, content.parse, data + b"\0")

    def test_refuses_fields_that_cannot_be(self):
        v1, v2 = captured_v1(), captured_v2()
        wrong = [
            (v1, 0, "0003"), (v1, 2, "0b80"), (v1, 6, "7e850100"), (v1, 10, "7f850100"), (v1, 14, "00000000"),
            (v1, 14, "ffffffff"), (v1, 26, "00000000"), (v1, 26, "01000002"), (v1, 30, "00000200"), (v1, 98, "03000000"),
            (v1, 102, "00"), (v2, 2, "01"), (v2, 10, "01"), (v2, 19, "000099de"), (v2, 23, "000000000001857f"),
            (v2, 31, "01"), (v2, 32, "00000087"), (v2, 32, "00000000"), (v2, 36, "00020001"), (v2, 36, "00000000"),
        ]  # fmt: skip
        for data, at, change in wrong:
            change = bytes.fromhex(change)
            with self.subTest(at=at, change=change.hex()):
                self.assertRaises(Malformed, content.parse, data[:at] + change + data[at + len(change) :])

    def test_makes_none_of_empty_content(self):
        for version in (1, 2):
            self.assertRaises(ValueError, made, b"", version)


class Hostile(unittest.TestCase):
    """Whatever comes is read or Malformed."""

    def test_nothing_else_is_ever_raised(self):
        chance = random.Random(3)
        info = made(bytes(300000), 1)
        store = peer.Store(None, made(bytes(300000), 2))
        known = next(iter(store.segments))
        probes = [soap.probe("urn:uuid:1", version, [known]) for version in (1, 2)]
        matches = [soap.match(soap.read_probe(p), "urn:uuid:1", store, "urn:uuid:2", (1, 1), "a:1") for p in probes]
        requests = [
            retrieval.message(retrieval.GETBLKLIST, retrieval.get_block_list(known, [(0, 4)])),
            retrieval.message(
                retrieval.GETSEGLIST, bytes(16) + retrieval.number(1) + retrieval.segment_field(known) + bytes(4)
            ),
        ]
        responses = [
            retrieval.message(retrieval.BLK, retrieval.block(known, 0, 0, bytes(99), bytes(16))),
            retrieval.message(retrieval.BLKLIST, retrieval.block_list(known, [(0, 4)], 0)),
        ]

        def read_response(data):
            header, reader = retrieval.header(data, retrieval.RESPONSE_BYTES_MOST)
            if header.kind == retrieval.BLK:
                retrieval.read_block(header.algorithm, reader)
            elif header.kind == retrieval.BLKLIST:
                retrieval.read_block_list(reader)

        def read_match(data):
            soap.matched_ids(soap.read_match(data), [known])

        answers = peer.Responses(store)
        kinds = [
            (content.parse, [content.write(info), captured_v1(), captured_v2()]),
            (soap.read_probe, probes),
            (read_match, matches),
            (lambda data: answers.answer(data, lambda _: None), requests),
            (read_response, responses),
        ]
        for read, samples in kinds:
            for sample in samples:
                read(sample)
                for _ in range(1500):
                    data = bytearray(sample)
                    for _ in range(chance.randrange(1, 4)):
                        data[chance.randrange(len(data))] = chance.choice([0, 1, 255, chance.randrange(256)])
                    del data[chance.choice([len(data), chance.randrange(len(data))]) :]
                    try:
                        read(bytes(data))
                    except Malformed:
                        pass


class Encryption(unittest.TestCase):
    def test_goes_and_comes_with_every_algorithm(self):
        for algorithm in range(4):
            for size in (1, 15, 16, 65536):
                plain, iv = os.urandom(size), os.urandom(16)
                data = cipher.encrypt(algorithm, SECRET, iv, plain)
                self.assertEqual(cipher.decrypt(algorithm, SECRET, iv, data, size), plain)
                self.assertEqual(len(data), size if algorithm == 0 else size // 16 * 16 + 16)

    def test_refuses_what_no_cipher_made(self):
        for algorithm, iv, data, size in (
            (1, 15, 16, 16),
            (1, 16, 17, 17),
            (1, 16, 16, 17),
            (1, 16, 48, 16),
            (0, 0, 5, 6),
        ):
            self.assertRaises(Malformed, cipher.decrypt, algorithm, SECRET, bytes(iv), bytes(data), size)


class Serving(unittest.TestCase):
    def setUp(self):
        self.data = os.urandom(65536 * 5 + 100)
        self.file = tempfile.TemporaryFile()
        self.addCleanup(self.file.close)
        self.file.write(self.data)
        self.file.flush()
        self.info = made(self.data, 1)
        self.segment = self.info.segments[0]
        self.store = peer.Store(self.file, self.info)

    def ask(self, kind, body, version=None, algorithm=1, **settings):
        sent = []
        peer.Responses(self.store, **settings).answer(
            retrieval.message(kind, body, algorithm, version), sent.append
        )
        self.assertEqual(len(sent), 1)
        return retrieval.header(sent[0], retrieval.RESPONSE_BYTES_MOST)

    def list(self, ranges, **settings):
        header, reader = self.ask(
            retrieval.GETBLKLIST, retrieval.get_block_list(self.segment.id, ranges), **settings
        )
        self.assertEqual(header.kind, retrieval.BLKLIST)
        next_index = int.from_bytes(reader.data[-4:], "big")
        return retrieval.read_block_list(reader)[1], next_index

    def test_lists_the_blocks_that_are_needed_and_held(self):
        self.assertEqual(self.list([(3, 1), (0, 2), (1, 1)]), ([(0, 2), (3, 1)], 4))
        self.assertEqual(self.list([(4, 508)]), ([(4, 2)], 0))
        self.assertEqual(self.list([(100, 412)]), ([], 0))
        self.assertEqual(self.list([]), ([], 0))
        self.assertEqual(self.list([(0, 6)], clients=0), ([], 0))
        self.assertEqual(self.list([(3, 1)], mistake="list-ignores-ranges"), ([(0, 6)], 0))

    def get(self, index, **settings):
        body = retrieval.get_block(self.segment.id, index)
        header, reader = self.ask(retrieval.GETBLKS, body, **settings)
        return retrieval.read_block(header.algorithm, reader)

    def test_gives_a_block_under_each_algorithm_with_an_iv_of_its_own(self):
        for algorithm in range(4):
            first, second = (self.get(5, algorithm=algorithm) for _ in range(2))
            plain = cipher.decrypt(first.algorithm, self.segment.secret, first.iv, first.data, 100)
            self.assertEqual((first.algorithm, plain), (algorithm, self.data[-100:]))
            self.assertEqual(first.iv == second.iv, algorithm == 0)
        first, second = (self.get(index, mistake="same-iv") for index in range(2))
        self.assertEqual(first.iv, second.iv)

    def test_gives_an_empty_block_where_it_has_none(self):
        for answer in (self.get(6), self.get(2, clients=0)):
            self.assertEqual((answer.data, answer.iv), (b"", b""))
        self.file.seek(0)
        self.file.write(b"changed since")
        self.file.flush()
        self.assertEqual(self.get(0).data, b"")

    def test_answers_other_versions_with_its_own(self):
        for version in (0x00000000, 0x00000003, 0x00010009):
            header, reader = self.ask(retrieval.GETBLKS, b"anything at all!", version=version)
            self.assertEqual((header.kind, header.version), (retrieval.NEGO_RESP, 1))
            self.assertEqual(retrieval.read_versions(reader), (1, 2))

    def test_lists_segments_by_their_places(self):
        ids = [bytes(32), self.segment.id, self.segment.id, bytes(48), self.segment.id]
        body = bytes(range(16)) + retrieval.number(5) + b"".join(map(retrieval.segment_field, ids))
        self.assertEqual(
            self.ask(retrieval.GETSEGLIST, body + retrieval.number(1) + b"x")[0].kind, retrieval.SEGLIST
        )
        body += retrieval.number(0)
        header, reader = self.ask(retrieval.GETSEGLIST, body)
        self.assertEqual((header.kind, header.version), (retrieval.SEGLIST, 2))
        self.assertEqual(reader.take(16, "RequestID"), bytes(range(16)))
        self.assertEqual(retrieval.read_ranges(reader), [(1, 2), (4, 1)])
        blob = reader.take(reader.be(4, "size"), "blob")
        self.assertEqual((blob[:4].hex(), blob[4::4]), ("00010303", bytes([0, 1, 3])))

    def test_discards_what_is_malformed(self):
        good = retrieval.get_block(self.segment.id, 0)
        bodies = [(retrieval.GETBLKS, good[:size]) for size in range(len(good))]
        bodies += [
            (retrieval.GETBLKS, good + bytes(8)),
            (retrieval.BLK, good),
            (9, good),
            (retrieval.NEGO_REQ, bytes(4)),
        ]
        ranges = [(i, 1) for i in range(257)]
        bodies += [
            (retrieval.GETBLKLIST, retrieval.get_block_list(self.segment.id, wrong))
            for wrong in ([(0, 0)], [(1, 512)], ranges)
        ]
        bodies += [(retrieval.GETBLKLIST, retrieval.number(33) + bytes(33) + b"\0\1\0" + bytes(4))]
        for kind, body in bodies:
            self.assertRaises(Malformed, self.ask, kind, body, retrieval.VERSION_1)
        answers = peer.Responses(self.store)
        message = retrieval.message(retrieval.GETBLKS, good)
        for wrong in (message[:15], message[:-1], message + b"\0", message[:15] + b"\4" + message[16:]):
            self.assertRaises(Malformed, answers.answer, wrong, None)
        self.assertEqual(answers.active, 0)


class Discovering(unittest.TestCase):
    def setUp(self):
        self.store = peer.Store(None, made(bytes(range(256)) * 1200, 2))
        held = list(self.store.segments)
        self.ids = [bytes(32), held[0], bytes([1]) * 32, bytes([2]) * 32, held[1]]

    def test_a_match_says_what_of_the_probe_is_held(self):
        for version in (1, 2):
            asked = soap.read_probe(soap.probe("urn:uuid:7", version, self.ids))
            self.assertEqual((asked.version, asked.segment_ids), (version, self.ids))
            data = soap.match(asked, asked.message_id, self.store, "urn:uuid:9", (1, 2), "127.0.0.1:80")
            answer = soap.read_match(data)
            self.assertEqual((answer.relates_to, answer.addresses), ("urn:uuid:7", ["127.0.0.1:80"]))
            self.assertEqual(soap.matched_ids(answer, self.ids), [self.ids[1], self.ids[4]])

    def test_any_prefix_will_do(self):
        for version in (1, 2):
            data = soap.probe("urn:uuid:7", version, self.ids)
            for old, new in ((b"PeerDist:", b"p:"), (b"wsd:", b"d:"), (b":PeerDist=", b":p="), (b":wsd=", b":d=")):
                data = data.replace(old, new)
            self.assertEqual(soap.read_probe(data).segment_ids, self.ids)

    def test_refuses_hostile_and_malformed_probes(self):
        good = soap.probe("urn:uuid:7", 1, self.ids[:1]).decode()
        scope = self.ids[0].hex()
        wrong = [
            good.replace(scope, ""), good.replace(scope, "0"), good.replace(scope, "xy"), good[:-3],
            good.replace("<wsd:Scopes", "<wsd:Scopes/><wsd:Scopes"),
            good.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), good.replace(scope, "&b;"),
            good.replace("PeerDist:PeerDistData", "wsd:PeerDistData"), good.replace("discovery/Probe", "discovery/Hello"),
            good.replace(scope, "<a>" * 20 + "</a>" * 20), good.replace(scope, scope + " " * 70000),
            good.replace("wsa:MessageID", "wsa:Other"), good.replace("soap:Body", "soap:Bodies"),
        ]  # fmt: skip
        for text in wrong:
            self.assertRaises(Malformed, soap.read_probe, text.encode())
        for size in ("", "AA==", "ACAC" + "A" * 44, "!!!!"):
            data = good.replace("PeerDistData<", "PeerDistDataV2<").replace(scope, size)
            self.assertRaises(Malformed, soap.read_probe, data.encode())

    def test_only_matches_of_the_probe_from_the_subnet_count(self):
        networks = discovery.local_networks("127.0.0.1")
        cases = [
            ("urn:uuid:7", "127.0.0.1", "127.0.0.1:80", 2), ("urn:uuid:8", "127.0.0.1", "127.0.0.1:80", 0),
            ("urn:uuid:7", "192.0.2.1", "127.0.0.1:80", 0), ("urn:uuid:7", "127.0.0.1", "192.0.2.1:80 x [::1]:1 :0", 0),
        ]  # fmt: skip
        for relates_to, sender, address, count in cases:
            asked = soap.read_probe(soap.probe("urn:uuid:7", 2, self.ids))
            data = soap.match(asked, relates_to, self.store, "urn:uuid:9", (1, 2), address)
            found = {segment_id: [] for segment_id in self.ids}
            discovery._take(data, (sender, 3702), 2, "urn:uuid:7", self.ids, networks, found)
            self.assertEqual(sum(map(len, found.values())), count)

    def test_is_found_by_multicast_unless_it_relates_to_nothing(self):
        fresh = peer.Store(None, made(os.urandom(200000), 2))
        for mistake, count in ((None, len(fresh.segments)), ("unrelated-match", 0)):
            try:
                responder = discovery.Responder(fresh, "127.0.0.1", "127.0.0.1:80", mistake)
            except OSError as error:
                print(f"NOT RUN: multicast on the loopback: {error}", file=sys.stderr)
                return
            thread = threading.Thread(target=responder.run)
            thread.start()
            try:
                for version in (1, 2):
                    # A search is short, and the one who answers may have to wait for its turn.
                    for _ in range(5):
                        found = discovery.find(version, list(fresh.segments), "127.0.0.1")
                        if sum(map(len, found.values())) == count:
                            break
                    self.assertEqual(sum(map(len, found.values())), count)
            finally:
                responder.stop()
                thread.join()


class Commands(unittest.TestCase):
    def test_there_are_five_mistakes_and_each_breaks_a_requirement_there_is(self):
        catalogue = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "requirements")
        known = ""
        for name in os.listdir(catalogue):
            if name.endswith(".yaml"):
                with open(os.path.join(catalogue, name), encoding="utf-8") as file:
                    known += file.read()
        self.assertEqual(len(mistakes.MISTAKES), 5)
        for mistake in mistakes.MISTAKES:
            self.assertIn(f"- id: {mistake.requirement}\n", known)
        self.assertEqual(len(mistakes.names("peer") + mistakes.names("get")), 5)

    def test_content_information_is_made_of_a_file(self):
        with tempfile.TemporaryDirectory() as room:
            source, out = os.path.join(room, "a"), os.path.join(room, "b")
            with open(source, "wb") as file:
                file.write(bytes(100000))
            for version in ("1", "2"):
                words = ["info", "create", source, "--version", version, "--secret-hex", "00ff", "-o", out]
                self.assertEqual(command.main(words), 0)
                with open(out, "rb") as file:
                    self.assertEqual(content.parse(file.read()).end, 100000)
            self.assertEqual(sorted(os.listdir(room)), ["a", "b"])

    def test_addresses_and_urls_are_read_strictly(self):
        self.assertEqual(http1.split("[::1]:80"), ("::1", 80))
        for text in ("", "a", ":1", "a:", "a:99999", "::1:80", "[::1:80", "a:\u00b2"):
            self.assertRaises(ValueError, http1.split, text)
        for url in ("https://a/", "http://", "http://a b/", "http://a/\r\nX: y", "http://u:p@a/", "http://a:b/"):
            with self.assertRaises(ValueError):
                origin.Origin(url)


if __name__ == "__main__":
    unittest.main()
