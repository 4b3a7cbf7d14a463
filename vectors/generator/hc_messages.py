"""Messages of [MS-PCHC] 2.2: offers, segment information, responses.

The document states no byte order; integers are big-endian, the content information inside stays little-endian.
"""

from .info_model import NO_MORE_SECRETS, v1_bytes, v1_segments
from .model import VectorFile
from .rr_model import segment_id
from .wire import Message, accepted, given, refused

INITIAL, INFO, BATCH = "INITIAL_OFFER_MESSAGE", "SEGMENT_INFO_MESSAGE", "BATCHED_OFFER_MESSAGE"
TYPES = {INITIAL: 1, INFO: 2, BATCH: 3}
HEAD = "PCHC-2.2.1-01 PCHC-2.2.1.1-01 PCHC-2.2.1.1-02 PCHC-2.2.1.1-03 PCHC-2.2.1.1-04 PCHC-2.2.1.2-01"
ID = segment_id("segment")
TAG = b"WinINet".ljust(16, b"\0")
CONTENT = bytes(range(251)) * 400


class Hc:
    def __init__(self, kind, port=2178, version=None, number=None, padding=(bytes(4), bytes(6))):
        self.kind, self.message = kind, Message()
        major, minor = version or ((2, 0) if kind == BATCH else (1, 0))
        number = TYPES[kind] if number is None else number
        self.message.put("Version", bytes([minor, major])).be("Type", 2, number).put("Padding", padding[0])
        self.message.be("Port", 2, port).put("Padding", padding[1])
        self.fields = {"Version": {"major": major, "minor": minor}, "Type": number, "Port": port}


def initial(identifier=ID, **head):
    hc = Hc(INITIAL, **head)
    hc.message.put("Hash", identifier)
    hc.fields["Hash"] = identifier.hex()
    return hc


def info(content, tag=TAG, **head):
    hc = Hc(INFO, **head)
    hc.message.put("ContentTag", tag).put("SegmentInformation", content)
    hc.fields["ContentTag"], hc.fields["SegmentInformation"] = tag.hex(), content.hex()
    return hc


def batch(descriptors, **head):
    hc = Hc(BATCH, **head)
    hc.fields["SegmentDescriptors"] = []
    for block, size, tag, algorithm, identifier in descriptors:
        hc.message.be("BlockSize", 4, block).be("SegmentSize", 4, size).be("SizeOfContentTag", 2, len(tag)).put("ContentTag", tag)
        hc.message.be("HashAlgorithm", 1, algorithm).put("SegmentHoHoDk", identifier)
        hc.fields["SegmentDescriptors"].append({
            "BlockSize": block, "SegmentSize": size, "ContentTag": tag.hex(), "HashAlgorithm": algorithm,
            "SegmentHoHoDk": identifier.hex()})
    return hc


def offers(count):
    return [(65536, 65536, TAG, 4, segment_id(f"segment {i}")) for i in range(count)]


def accept(group, number, comment, topics, hc, quirks=(), flags=()):
    flags = [*flags, *(["quirk"] if quirks else [])]
    group.test(number, comment, f"{HEAD} {topics}", given(hc.message.data), accepted(hc.fields, quirks), flags)


def refuse(group, number, comment, topics, data, error, offset, flags=()):
    group.test(number, comment, topics, given(data), refused(error, offset), flags)


def initial_offers(file):
    group = file.group("initial-offer", "MS-PCHC 2.2.1.3", direction="request", message=INITIAL)
    topics = "PCHC-2.2.1.3-01 PCHC-2.2.1.3-02"
    accept(group, 1, "A segment id of 32 bytes.", topics, initial())
    accept(group, 2, "48 bytes.", topics, initial(segment_id("segment", 48)), (), ["long-id"])
    accept(group, 3, "64 bytes.", topics, initial(segment_id("segment", 64)), (), ["long-id"])
    accept(group, 4, "Port 1.", topics, initial(port=1), (), ["boundary"])
    accept(group, 5, "Port 65,535.", topics, initial(port=65535), (), ["boundary"])
    group = file.group("refused-initial-offer", "hand-made", direction="request", message=INITIAL)
    data = initial().message.data
    for number, length, offset in ((20, 0, 0), (21, 1, 0), (22, 3, 2), (23, 7, 4), (24, 9, 8), (25, 15, 10)):
        refuse(group, number, f"{length} bytes in all.", "PCHC-2.2.1-01 PCHC-2.2.1.1-01", data[:length], "truncated", offset,
               ["truncation"])
    for number, size in ((26, 0), (27, 31), (28, 33), (29, 65)):
        refuse(group, number, f"A segment id of {size} bytes: no hash is as long.", "PCHC-2.2.1.3-02",
               data[:16] + bytes(size), "segment-id-size", 16, ["boundary"])
    for number, version, comment in (
            (30, (0, 0), "Version 0.0."), (31, (3, 0), "Version 3.0."), (32, (1, 1), "Version 1.1: the minor version is 0."),
            (33, (0, 1), "The two bytes of 1.0 in the usual order.")):
        refuse(group, number, comment, "PCHC-2.2.1.1-02 PCHC-2.2.1.1-03", initial(version=version).message.data, "unknown-version",
               0, ["version"])
    for number, value in ((34, 0), (35, 4), (36, 0x0100)):
        refuse(group, number, f"Type {value:#06x}.", "PCHC-2.2.1.1-04", initial(number=value).message.data, "unknown-type", 2)
    refuse(group, 37, "INITIAL_OFFER_MESSAGE of version 2.0.", "PCHC-2.2.1.3-01", initial(version=(2, 0)).message.data,
           "wrong-version", 2, ["version"])
    group = file.group("padding", "hand-made", direction="request", message=INITIAL)
    # The padding is not kept, so what is written again has zeros in it.
    hc = initial(padding=(b"\xff" * 4, b"\xff" * 6))
    group.test(40, "Padding of ones: ignored, and zero when it is written again.", f"{HEAD} PCHC-2.2.1.1-05 PCHC-2.2.1.2-02",
               given(hc.message.data), {**accepted(hc.fields), "encoded": initial().message.data.hex()})


def segment_infos(file):
    group = file.group("segment-info", "MS-PCHC 2.2.1.4", direction="request", message=INFO)
    segments = v1_segments("sha256", NO_MORE_SECRETS, CONTENT)
    topics = "PCHC-2.2.1.4-01 PCHC-2.2.1.4-02 PCHC-2.2.1.4-03 PCHC-2.2.1.4-04 PCHC-2.2.1.4-06 PCHC-2.2.1.4-07"
    zero = v1_bytes("sha256", 0, 0, segments, [(0, 2)])
    whole = v1_bytes("sha256", 0, len(CONTENT), segments, [(0, 2)])
    accept(group, 60, "dwReadBytesInLastSegment is the length of the segment, as the document has it.", topics, info(whole))
    accept(group, 61, "dwReadBytesInLastSegment is 0, as Microsoft's client writes it.", topics, info(zero),
           ["hc-read-bytes-zero"])
    accept(group, 62, "A content tag of SMB.", topics, info(whole, bytes.fromhex("35DB045D14234553A0510DC2E15E6C4C")))
    quirk = ["hc-bad-content-information-ok"]
    rows = (
        (63, b"", "No content information at all: answered OK, nothing is fetched."),
        (64, whole[:-1], "The last byte of the content information is missing."),
        (65, whole + b"\0", "A byte behind the content information."),
        (66, b"\0\2" + whole[2:], "Version 2.0 in a structure of version 1.0."),
        (67, whole[:14] + b"\2\0\0\0" + whole[18:], "Two segments claimed."),
        (68, b"\xff" * 40, "Ones."),
    )
    for number, content, comment in rows:
        accept(group, number, comment, f"{topics} PCHC-3.1.5.2-01", info(content), quirk)
    group = file.group("refused-segment-info", "hand-made", direction="request", message=INFO)
    refuse(group, 80, "The content tag lacks a byte.", "PCHC-2.2.1.4-02", info(b"").message.data[:31], "truncated", 16,
           ["truncation"])
    refuse(group, 81, "No content tag.", "PCHC-2.2.1.4-02", info(b"").message.data[:16], "truncated", 16, ["truncation"])
    refuse(group, 82, "SEGMENT_INFO_MESSAGE of version 2.0.", "PCHC-2.2.1.4-01", info(whole, version=(2, 0)).message.data,
           "wrong-version", 2, ["version"])


def batches(file):
    group = file.group("batched-offer", "MS-PCHC 2.2.1.5", direction="request", message=BATCH)
    topics = "PCHC-2.2.1.5-01 PCHC-2.2.1.5-02 PCHC-2.2.1.5-03 PCHC-2.2.1.5-05 PCHC-2.2.1.5-06 PCHC-2.2.1.5-07 PCHC-2.2.1.5-08"
    accept(group, 100, "One segment.", topics, batch(offers(1)))
    accept(group, 101, "Two segments, 59 bytes each, without padding.", topics, batch(offers(2)))
    accept(group, 102, "128 segments.", topics, batch(offers(128)), (), ["boundary"])
    accept(group, 103, "SHA-256 and blocks of 64 KiB.", topics, batch([(65536, 33554432, TAG, 1, ID)]))
    accept(group, 104, "Sizes of 0 and of 2^32 - 1: read as they stand.", topics,
           batch([(0, 0, TAG, 4, ID), (0xFFFFFFFF, 0xFFFFFFFF, TAG, 4, ID)]), (), ["boundary"])
    accept(group, 105, "The same segment twice.", topics, batch(offers(1) * 2))
    group = file.group("refused-batched-offer", "hand-made", direction="request", message=BATCH)
    two = batch(offers(2))
    refuse(group, 120, "No segments.", "PCHC-2.2.1.5-03", two.message.data[:16], "no-segments", 16)
    refuse(group, 121, "129 segments.", "PCHC-2.2.1.5-02", batch(offers(129)).message.data, "too-many-segments", 16 + 128 * 59,
           ["boundary"])
    names = ("BlockSize", "SegmentSize", "SizeOfContentTag", "ContentTag", "HashAlgorithm", "SegmentHoHoDk")
    for number, name in zip(range(122, 128), names):
        start, size = two.message.places[f"{name}.2"]
        # One byte cannot be had in part: the field is gone whole.
        cut = start + max(size - 1, 0)
        if cut == start and name == "BlockSize":
            cut += 1
        refuse(group, number, f"The second segment ends inside {name}.", "PCHC-2.2.1.5-03", two.message.data[:cut], "truncated",
               start, ["truncation"])
    one = batch(offers(1)).message
    for number, size in ((130, 0), (131, 15), (132, 17), (133, 0xFFFF)):
        refuse(group, number, f"SizeOfContentTag is {size}.", "PCHC-2.2.1.5-06",
               one.with_bytes("SizeOfContentTag", size.to_bytes(2, "big")), "content-tag-size", one.at("SizeOfContentTag"),
               ["boundary"])
    for number, value in ((134, 0), (135, 2), (136, 0x0C)):
        refuse(group, number, f"HashAlgorithm is {value:#04x}.", "PCHC-2.2.1.5-07",
               one.with_bytes("HashAlgorithm", bytes([value])), "unknown-hash", one.at("HashAlgorithm"))
    refuse(group, 137, "BATCHED_OFFER_MESSAGE of version 1.0.", "PCHC-2.2.1.5-01",
           batch(offers(1), version=(1, 0)).message.data, "wrong-version", 2, ["version"])


def responses(file):
    group = file.group("responses", "MS-PCHC 2.2.2.2", direction="response", message="RESPONSE")
    topics = "PCHC-2.2.2.1-01 PCHC-2.2.2.2-01"
    for number, code, name in ((150, 0, "OK"), (151, 1, "INTERESTED")):
        group.test(number, f"{name}.", topics, given(bytes([0, 0, 0, 1, code])), accepted({"ResponseCode": code}))
    for number, data, error, offset, comment in (
            (160, b"", "truncated", 0, "Nothing."),
            (161, bytes(3), "truncated", 0, "Three bytes."),
            (162, bytes([0, 0, 0, 1]), "truncated", 4, "A size and no code."),
            (163, bytes([0, 0, 0, 0, 0]), "size-mismatch", 0, "Size 0."),
            (164, bytes([0, 0, 0, 5, 0]), "size-mismatch", 0, "Size counts itself."),
            (165, bytes([1, 0, 0, 0, 0]), "size-mismatch", 0, "Size in the other byte order."),
            (166, bytes([0, 0, 0, 1, 0, 0]), "trailing-bytes", 5, "A byte too many.")):
        refuse(group, number, comment, topics, data, error, offset, ["truncation"] if error == "truncated" else ())


def build():
    file = VectorFile(
        "message", "message", "Messages of the hosted cache",
        "Decode the message. Written again, it is the same bytes, or those of encoded where they are given.",
        document="MS-PCHC", folder="pchc")
    for part in (initial_offers, segment_infos, batches, responses):
        part(file)
    return file
