"""What a writer makes of a content: [MS-PCCRC] 2.2 to 2.4, with the choices that README.md lists under "Written".

Version 1.0 is little-endian, version 2.0 big-endian.
"""

from . import patterns
from .info_model import NO_MORE_SECRETS, V1_SEGMENT, V2_SEGMENT_MAX, create_v1, create_v2, v1_segments, v2_segments
from .model import VectorFile
from .primitives import digest

KB = 1024
INLINE_LIMIT = 2048
V1 = "v1-byte-order v1-version v1-hash v1-layout hod-v1 blocks-v1 ks kp hmac v1-hod-field v1-kp-field v1-segment-length"
V2 = "v2-byte-order v2-layout v2-hash v2-chunk v2-chunk-length hod-v2 kp-v2 ks hmac segments-v2 v2-order"
EXAMPLE_LENGTHS = [60 * KB, 85 * KB, 44 * KB]
ZEROS, A = b"\0", b"a"


class Cases:
    """Remembers the segments of a content, so that several ranges of a large one hash it once."""

    def __init__(self):
        self.known = {}

    def v1(self, group, number, comment, topics, parts, algorithm="sha256", secret=NO_MORE_SECRETS, span=None, flags=()):
        key = (repr(parts), algorithm, secret)
        if key not in self.known:
            self.known[key] = v1_segments(algorithm, secret, patterns.render(parts))
        segments = self.known[key]
        info, listed, _ = create_v1(segments, *(span or (0, segments[-1].offset + segments[-1].length)))
        self.add(group, number, comment, f"{V1} {topics}", info, 1, algorithm, secret, parts, span, None,
                 [*flags, *(["multi-segment"] if len(listed) > 1 else [])])

    def v2(self, group, number, comment, topics, parts, lengths, secret=NO_MORE_SECRETS, span=None, flags=()):
        segments = v2_segments(secret, patterns.render(parts), lengths)
        info, listed = create_v2(segments, *(span or (0, sum(lengths))))
        self.add(group, number, comment, f"{V2} {topics}", info, 2, "sha512-truncated", secret, parts, span, lengths,
                 [*flags, *(["multi-segment"] if len(listed) > 1 else [])])

    @staticmethod
    def add(group, number, comment, topics, info, version, algorithm, secret, parts, span, lengths, flags):
        given = {"content": parts, "secret_key": secret.hex(), "version": version, "hash": algorithm}
        if span:
            given["range"] = {"start": span[0], "length": span[1]}
        if lengths:
            given["segment_lengths"] = lengths
        expect = {"result": "valid", "info_length": len(info), "info_sha256": digest("sha256", info).hex()}
        if len(info) <= INLINE_LIMIT:
            expect["info"] = info.hex()
        group.test(number, comment, topics, given, expect, [*flags, *(["range"] if span else [])])


def version_1(file, cases):
    group = file.group("v1-examples", "MS-PCCRC 3", version=1)
    example = [patterns.sequence(128000)]
    cases.v1(group, 1, "Example 3.2.", "v1-read-zero", example, flags=["document-example"])
    cases.v1(group, 2, "Example 3.3: 100 KB to the end.", "v1-offset v1-block-count", example, span=(100 * KB, 25 * KB),
             flags=["document-example"])
    group = file.group("v1-sizes", "hand-made", version=1)
    for number, length, fill in (
            (10, 1, A), (11, 65535, A), (12, 65536, A), (13, 65537, A), (14, 128000, ZEROS), (15, 131072, A),
            (16, V1_SEGMENT - 1, A), (17, V1_SEGMENT, A), (18, V1_SEGMENT + 1, A), (19, V1_SEGMENT + 65537, ZEROS)):
        cases.v1(group, number, f"{length:,} bytes {fill.hex()}.", "segments-v1 v1-count v1-segment-offset v1-read-zero",
                 [patterns.repeat(fill, length)], flags=["boundary"])
    group = file.group("v1-hashes", "hand-made", version=1)
    cases.v1(group, 25, "SHA-384.", "v1-hash", example, "sha384")
    cases.v1(group, 26, "SHA-512.", "v1-hash", example, "sha512")
    cases.v1(group, 27, "Noise, with a secret key of 200 bytes.", "v1-hash", [patterns.noise("create", 200000)],
             secret=bytes(range(200)), flags=["long-key"])
    cases.v1(group, 28, "Noise, with SHA-512 and a secret key of one byte.", "v1-hash", [patterns.noise("create", 70000)],
             "sha512", secret=b"\0")
    group = file.group("v1-ranges", "hand-made", version=1)
    small, large = [patterns.sequence(300000)], [patterns.sequence(2 * V1_SEGMENT + 200000)]
    total = 2 * V1_SEGMENT + 200000
    topics = "v1-range v1-offset v1-read-bytes v1-read-zero v1-block-count"
    for number, parts, start, length, comment in (
            (40, small, 0, 300000, "A range that is the whole content: nothing tells that it was asked for."),
            (41, small, 0, 1, "The first byte: one hash of five."),
            (42, small, 299999, 1, "The last byte: all five hashes, and length 0 for to the end."),
            (43, small, 70000, 65536, "Inside the content: hashes from block 0 to block 2."),
            (44, small, 65536, 65536, "Exactly the second block: hashes 0 and 1."),
            (45, large, 100 * KB, 2 * V1_SEGMENT, "In the manner of example 3.5: starts in the first, ends in the third segment."),
            (46, large, V1_SEGMENT - 1, 2, "One byte on either side of a boundary between segments."),
            (47, large, V1_SEGMENT, V1_SEGMENT, "Exactly the second segment: the first and third are not listed."),
            (48, large, 0, V1_SEGMENT, "Exactly the first segment."),
            (49, large, 2 * V1_SEGMENT, 200000, "Exactly the last segment."),
            (50, large, total - 1, 1, "The last byte."),
            (51, large, V1_SEGMENT + 5, total - V1_SEGMENT - 5, "From inside the second segment to the end.")):
        cases.v1(group, number, comment, topics, parts, span=(start, length))


def version_2(file, cases):
    group = file.group("v2-examples", "MS-PCCRC 3", version=2)
    example = [patterns.sequence(189 * KB)]
    cases.v2(group, 60, "Example 3.6, with 0 for the length of the whole content.", "v2-length", example, EXAMPLE_LENGTHS,
             flags=["document-example"])
    cases.v2(group, 61, "Example 3.7, with the only hash there is: 100 KB to 110 KB.", "v2-start v2-offset v2-length", example,
             EXAMPLE_LENGTHS, span=(100 * KB, 10 * KB), flags=["document-example"])
    group = file.group("v2-segments", "hand-made", version=2)
    most = V2_SEGMENT_MAX
    for number, lengths, comment in (
            (70, [1], "One byte."), (71, [most], "The longest segment."), (72, [most, 1], "The longest and one byte more."),
            (73, [1, 2, 3, 4, 5], "Five tiny segments."), (74, [65536] * 4, "Four segments of 64 KiB."),
            (75, [1000 + 37 * i for i in range(40)], "Forty segments in one chunk.")):
        cases.v2(group, number, comment, "v2-segment-length v2-length", [patterns.noise("create", sum(lengths))], lengths,
                 flags=["boundary"])
    cases.v2(group, 76, "A secret key of 129 bytes, longer than the block of SHA-512.", "v2-length", example, EXAMPLE_LENGTHS,
             bytes(range(129)), flags=["long-key"])
    group = file.group("v2-ranges", "hand-made", version=2)
    for number, start, length, comment in (
            (80, 0, 193536, "A range that is the whole content is written as the whole content."),
            (81, 0, 1, "The first byte."),
            (82, 193535, 1, "The last byte: only the last segment."),
            (83, 61440, 87040, "Exactly the second segment."),
            (84, 61439, 2, "One byte on either side of a boundary between segments."),
            (85, 1, 193535, "All but the first byte."),
            (86, 0, 61440, "Exactly the first segment.")):
        cases.v2(group, number, comment, "v2-start v2-offset v2-length v2-range-end", example, EXAMPLE_LENGTHS, span=(start, length))


def build():
    file = VectorFile(
        "create", "create", "Content information written",
        "Make the content, then its content information, byte for byte. Segments of version 2.0 are given. "
        f"The bytes are written out up to {INLINE_LIMIT}; longer structures are given by length and SHA-256.")
    cases = Cases()
    version_1(file, cases)
    version_2(file, cases)
    return file
