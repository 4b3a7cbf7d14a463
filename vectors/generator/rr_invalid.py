"""Messages of [MS-PCCRR] 2.2 that a reader refuses, each with the field at fault."""

from .model import VectorFile
from .rr_messages import HEAD, ID, REQUEST, VECTOR
from .rr_model import (
    DOCUMENT, TYPES, V1, V2, blk, blklist, getblklist, getblks, getseglist, nego, segment_id, seglist,
)
from .wire import given, refused


def refuse(group, number, comment, topics, data, error, offset, flags=()):
    group.test(number, comment, topics, given(data), refused(error, offset), flags)


def good():
    """One good message of each type, made anew each time."""
    return (
        nego("MSG_NEGO_REQ", V1, V2), nego("MSG_NEGO_RESP", V1, V2), getblklist(ID, [(0, 4), (9, 2)]), getblks(ID, [(3, 1)]),
        blklist(ID, [(0, 4), (9, 2)], 30), blk(ID, 3, 4, bytes(32), VECTOR), getseglist(REQUEST, [ID, segment_id("other")]),
        seglist(REQUEST, [(0, 1), (4, 2)]),
    )


LAYOUT = {
    "MSG_NEGO_REQ": "PCCRR-2.2.4.1-01", "MSG_NEGO_RESP": "PCCRR-2.2.5.1-01", "MSG_GETBLKLIST": "PCCRR-2.2.4.2-01",
    "MSG_GETBLKS": "PCCRR-2.2.4.3-01", "MSG_BLKLIST": "PCCRR-2.2.5.2-01", "MSG_BLK": "PCCRR-2.2.5.3-01",
    "MSG_GETSEGLIST": "PCCRR-2.2.4.4-01", "MSG_SEGLIST": "PCCRR-2.2.5.4-01",
}
# A count that no longer fits what follows is judged where it stands, not at the field that is missing.
COUNTED = {"MSG_GETSEGLIST": ("SizeOfSegmentID", "SegmentID"), "MSG_SEGLIST": ("Index", "Count")}


def truncated(file):
    number = 1
    for which, sample in enumerate(good()):
        direction = "response" if sample.is_response else "request"
        group = file.group(f"truncated-{sample.kind.lower().replace('_', '-')}", "hand-made", direction=direction,
                           message=sample.kind)
        places = sample.message.places
        for name, (start, size) in places.items():
            if size == 0 or name in ("Size", "ProtVer", "MsgType", "MsgSize", "CryptoAlgoId"):
                continue
            if name.split(".")[0] in COUNTED.get(sample.kind, ()):
                continue
            rr = good()[which].cut(start + size - 1)
            refuse(group, number, f"The sizes are true, and {name} lacks its last byte.", LAYOUT[rr.kind], rr.finish(), "truncated",
                   start, ["truncation"])
            number += 1
    assert number <= 100
    group = file.group("truncated-headers", "hand-made", direction="request", message="MSG_NEGO_REQ")
    whole = nego("MSG_NEGO_REQ", V1, V2).finish()
    for number, length, offset in ((100, 0, 0), (101, 3, 0), (102, 4, 4), (103, 11, 8), (104, 15, 12)):
        refuse(group, number, f"{length} bytes in all.", "PCCRR-2.2.3-01", whole[:length], "truncated", offset, ["truncation"])
    group = file.group("truncated-response-headers", "hand-made", direction="response", message="MSG_NEGO_RESP")
    whole = nego("MSG_NEGO_RESP", V1, V2).finish()
    for number, length in ((105, 0), (106, 3)):
        refuse(group, number, f"{length} bytes in all: the size in front is not there.", "PCCRR-2.2.2-01", whole[:length],
               "truncated", 0, ["truncation"])


def sizes(file):
    group = file.group("sizes", "hand-made", direction="request", message="MSG_NEGO_REQ")
    rows = (
        (120, {"size": 23}, "size-mismatch", "MsgSize is one less than there is."),
        (121, {"size": 25}, "size-mismatch", "MsgSize is one more than there is."),
        (122, {"size": 0}, "size-out-of-limits", "MsgSize is 0."),
        (123, {"size": 15}, "size-out-of-limits", "MsgSize is less than the header."),
        (124, {"size": 98305}, "size-out-of-limits", "MsgSize is over 96 KiB: no request may be, whatever follows."),
        (125, {"size": 0xFFFFFFFF}, "size-out-of-limits", "MsgSize is all ones."),
        (126, {"size": 98304}, "size-mismatch", "The largest MsgSize, in a short message."),
        (127, {"size": 24, "extra": b"\0"}, "size-mismatch", "A byte behind the message that MsgSize does not count."),
        (128, {"size": 0x18000000}, "size-out-of-limits", "MsgSize in the other byte order."),
    )
    for number, how, error, comment in rows:
        refuse(group, number, comment, "PCCRR-2.2.3-10 PCCRR-2.2.3-11 PCCRR-2.2-02", nego("MSG_NEGO_REQ", V1, V2).finish(**how),
               error, 8, ["boundary"])
    refuse(group, 129, "A byte behind the message that MsgSize counts.", "PCCRR-2.1.1-02",
           nego("MSG_NEGO_REQ", V1, V2).finish(extra=b"\0"), "trailing-bytes", 24, ["trailing-data"])
    group = file.group("large-request", "hand-made", direction="request", message="MSG_GETBLKS")
    filler = getblks(ID, [(0, 1)], verify=bytes(98305 - 68))
    data = filler.finish()
    assert len(data) == 98305
    refuse(group, 130, "A request of 98,305 bytes that is good but for its length.", "PCCRR-2.2.3-11", data, "size-out-of-limits",
           8, ["boundary"])
    group = file.group("transport-sizes", "hand-made", direction="response", message="MSG_NEGO_RESP")
    rows = (
        (140, {"transport": 23}, "size-mismatch", 0, "Size is one less than there is."),
        (141, {"transport": 25}, "size-mismatch", 0, "Size is one more than there is."),
        (142, {"transport": 15}, "size-out-of-limits", 0, "Size is less than a header."),
        (143, {"transport": 393217}, "size-out-of-limits", 0, "Size is over 384 KiB."),
        (144, {"transport": 0xFFFFFFFF}, "size-out-of-limits", 0, "Size is all ones."),
        (145, {"transport": 28}, "size-mismatch", 0, "Size counts itself."),
        (146, {"size": 28}, "size-mismatch", 12, "Size is right, MsgSize counts the four bytes in front."),
        (147, {"size": 16}, "size-mismatch", 12, "Size is right, MsgSize counts the header only."),
        (148, {"size": 393217}, "size-out-of-limits", 12, "Size is right, MsgSize is over 384 KiB."),
    )
    for number, how, error, offset, comment in rows:
        refuse(group, number, comment, "PCCRR-2.2.2-01 PCCRR-2.2.2-02 PCCRR-2.2.3-12 PCCRR-2.2.3-10",
               nego("MSG_NEGO_RESP", V1, V2).finish(**how), error, offset, ["boundary"])
    for number, sample in zip(range(150, 158), good()):
        direction = "response" if sample.is_response else "request"
        group = file.group(f"trailing-{sample.kind.lower().replace('_', '-')}", "hand-made", direction=direction,
                           message=sample.kind)
        end = len(sample.message.data)
        refuse(group, number, "Four bytes more than the fields need, counted by the sizes.", f"PCCRR-2.1.1-02 {LAYOUT[sample.kind]}",
               sample.finish(extra=b"more"), "trailing-bytes", end, ["trailing-data"])


def types(file):
    group = file.group("types-of-requests", "hand-made", direction="request", message="MSG_NEGO_REQ")
    for number, value, error, comment in (
            (170, 1, "wrong-direction", "MSG_NEGO_RESP as a request."), (171, 5, "wrong-direction", "MSG_BLK as a request."),
            (172, 8, "unknown-type", "Type 8."), (173, 0xFFFFFFFF, "unknown-type", "A type of all ones."),
            (174, 0x02000000, "unknown-type", "MSG_GETBLKLIST in the other byte order.")):
        refuse(group, number, comment, "PCCRR-2.2.3-02 PCCRR-2.2.3-03 PCCRR-2.2.3-06", nego(
            "MSG_NEGO_REQ", V1, V2, type_number=value).finish(), error, 4)
    group = file.group("types-of-responses", "hand-made", direction="response", message="MSG_NEGO_RESP")
    for number, value, error, comment in (
            (175, 0, "wrong-direction", "MSG_NEGO_REQ as a response."),
            (176, TYPES["MSG_GETBLKS"], "wrong-direction", "MSG_GETBLKS as a response."),
            (177, 8, "unknown-type", "Type 8.")):
        refuse(group, number, comment, "PCCRR-2.2.3-02 PCCRR-2.2.3-03 PCCRR-2.2.3-06", nego(
            "MSG_NEGO_RESP", V1, V2, type_number=value).finish(), error, 8)


def identifiers(file):
    group = file.group("segment-ids", "hand-made", direction="request", message="MSG_GETBLKLIST")
    for number, size in ((190, 0), (191, 1), (192, 16), (193, 31), (194, 33), (195, 65)):
        rr = getblklist(segment_id("segment", 64)[:size] if size <= 64 else bytes(size), [(0, 1)])
        refuse(group, number, f"A segment id of {size} bytes: no hash is as long.", "PCCRR-2.2.4.2-02", rr.finish(),
               "segment-id-size", 16, ["boundary"])
    rr = getblklist(ID, [(0, 1)]).patched("SizeOfSegmentID", b"\xff\xff\xff\xff")
    refuse(group, 196, "A segment id of 2^32 - 1 bytes.", "PCCRR-2.2.4.2-02", rr.finish(), "segment-id-size", 16, ["lying-count"])
    rr = getblklist(ID, []).patched("SizeOfSegmentID", (64).to_bytes(4, "big"))
    refuse(group, 197, "64 bytes claimed, 36 there.", "PCCRR-2.2.4.2-02", rr.finish(), "truncated", 20, ["lying-count"])
    group = file.group("segment-ids-of-answers", "hand-made", direction="response", message="MSG_BLK")
    rr = blk(b"short", 0, 0, b"", crypto=0)
    refuse(group, 198, "A segment id of 5 bytes and three of padding.", "PCCRR-2.2.5.3-01", rr.finish(), "segment-id-size", 20)
    group = file.group("segment-ids-of-lists", "hand-made", direction="request", message="MSG_GETSEGLIST")
    rr = getseglist(REQUEST, [ID, bytes(36)])
    refuse(group, 199, "The second id has 36 bytes.", "PCCRR-2.2.4.4-04", rr.finish(), "segment-id-size",
           rr.message.at("SizeOfSegmentID.2"))


def ranges(file):
    group = file.group("block-ranges", "hand-made", direction="request", message="MSG_GETBLKLIST")
    rows = (
        (210, [(0, 0)], "range-empty", "Count", "A range of no blocks."),
        (211, [(0, 513)], "range-outside-segment", "Index", "One block more than a segment has."),
        (212, [(512, 1)], "range-outside-segment", "Index", "Block 512."),
        (213, [(511, 2)], "range-outside-segment", "Index", "The last block and the one behind it."),
        (214, [(0xFFFFFFFF, 1)], "range-outside-segment", "Index", "An index of all ones."),
        (215, [(2, 0xFFFFFFFF)], "range-outside-segment", "Index", "Index + Count wraps around 32 bits to 1."),
        (216, [(0, 1), (5, 0)], "range-empty", "Count.2", "The second range has no blocks."),
    )
    topics = "PCCRR-2.2.1.1-02 PCCRR-2.2.1.1-03"
    for number, listed, error, field, comment in rows:
        rr = getblklist(ID, listed)
        refuse(group, number, comment, topics, rr.finish(), error, rr.message.at(field),
               ["overflow"] if number in (214, 215) else ["boundary"])
    rr = getblklist(ID, [(0, 1)] * 257)
    refuse(group, 217, "257 ranges.", "PCCRR-2.2.4.2-06", rr.finish(), "range-count", rr.message.at("NeededBlocksRangeCount"),
           ["boundary"])
    rr = getblklist(ID, [(0, 1)], count=0xFFFFFFFF)
    refuse(group, 218, "2^32 - 1 ranges claimed.", "PCCRR-2.2.4.2-06", rr.finish(), "range-count",
           rr.message.at("NeededBlocksRangeCount"), ["lying-count"])
    rr = getblklist(ID, [(0, 1)], count=2)
    refuse(group, 219, "Two ranges claimed, one there.", "PCCRR-2.2.4.2-01", rr.finish(), "truncated", rr.message.end("Count"),
           ["lying-count"])
    rr = getblklist(ID, [(0, 1), (5, 1)], count=1)
    refuse(group, 220, "One range claimed, two there.", "PCCRR-2.1.1-02", rr.finish(), "trailing-bytes", rr.message.at("Index.2"),
           ["lying-count"])
    group = file.group("block-ranges-of-blocks", "hand-made", direction="request", message="MSG_GETBLKS")
    rr = getblks(ID, [])
    refuse(group, 221, "No ranges: nothing is asked for.", "PCCRR-2.2.4.3-03", rr.finish(), "range-count",
           rr.message.at("ReqBlockRangeCount"), ["boundary"])
    rr = getblks(ID, [(0, 0)])
    refuse(group, 222, "A range of no blocks.", topics, rr.finish(), "range-empty", rr.message.at("Count"))
    rr = getblks(ID, [(0, 1)]).patched("SizeOfDataForVrfBlock", b"\xff\xff\xff\xff")
    refuse(group, 223, "DataForVrfBlock of 2^32 - 1 bytes.", "PCCRR-2.2.4.3-01", rr.finish(), "truncated",
           rr.message.at("DataForVrfBlock"), ["lying-count"])
    group = file.group("block-ranges-of-lists", "hand-made", direction="response", message="MSG_BLKLIST")
    rr = blklist(ID, [(0, 513)], 0)
    refuse(group, 224, "A range past the segment.", topics, rr.finish(), "range-outside-segment", rr.message.at("Index"))
    group = file.group("segment-ranges", "hand-made", direction="response", message="MSG_SEGLIST")
    rr = seglist(REQUEST, [(4, 0)])
    refuse(group, 225, "A range of no segments.", "PCCRR-2.2.1.2-02", rr.finish(), "range-empty", rr.message.at("Count"))
    rr = seglist(REQUEST, [(2, 0xFFFFFFFF)])
    refuse(group, 226, "Index + Count wraps around 32 bits.", "PCCRR-2.2.1.2-03", rr.finish(), "range-overflow",
           rr.message.at("Index"), ["overflow"])
    rr = seglist(REQUEST, [(0, 1)], count=0x20000001)
    refuse(group, 227, "So many ranges that eight times their number wraps around 32 bits.", "PCCRR-2.2.5.4-01", rr.finish(),
           "count-outside-message", rr.message.at("SegmentRangeCount"), ["lying-count", "overflow"])
    rr = seglist(REQUEST, [(0, 1)], b"", size=9)
    refuse(group, 228, "A blob of nine bytes claimed, none there.", "PCCRR-2.2.5.4-06", rr.finish(), "truncated",
           rr.message.at("ExtensibleBlob"), ["lying-count", "blob"])
    group = file.group("segment-counts", "hand-made", direction="request", message="MSG_GETSEGLIST")
    rr = getseglist(REQUEST, [ID], count=0xFFFFFFFF)
    refuse(group, 229, "2^32 - 1 ids claimed, one there.", "PCCRR-2.2.4.4-03", rr.finish(), "count-outside-message",
           rr.message.at("CountOfSegmentIDs"), ["lying-count"])


def padding_and_ciphers(file):
    group = file.group("padding", "hand-made", direction="response", message="MSG_BLK")
    rows = (
        (240, blk(ID, 0, 0, b"plain", crypto=0), "ZeroPad_2", b"\1\0\0", "The first byte of ZeroPad_2 is 1."),
        (241, blk(ID, 0, 0, b"plain..", crypto=0), "ZeroPad_2", b"\xff", "The only byte of ZeroPad_2 is ff."),
        (242, blk(ID, 0, 0, bytes(16), VECTOR, b"v"), "ZeroPad_3", b"\1\0\0", "The first byte of ZeroPad_3 is 1."),
    )
    for number, rr, name, data, comment in rows:
        at = rr.message.at(name)
        refuse(group, number, comment, "PCCRR-2.2.5.3-02", rr.patched(name, data).finish(), "padding-not-zero", at)
    group = file.group("ciphers", "hand-made", direction="response", message="MSG_BLK")
    for number, size in ((250, 1), (251, 15), (252, 17), (253, 65537)):
        rr = blk(ID, 0, 0, bytes(size), VECTOR)
        refuse(group, number, f"{size} bytes under AES_128: no whole cipher blocks.", "PCCRR-2.2.5.3-07", rr.finish(),
               "partial-cipher-block", rr.message.at("SizeOfBlock"))
    for number, size in ((254, 0), (255, 8), (256, 15), (257, 17), (258, 32)):
        rr = blk(ID, 0, 0, bytes(16), bytes(size))
        refuse(group, number, f"An initialization vector of {size} bytes under AES_128.", "PCCRR-2.2.5.3-09", rr.finish(),
               "initialization-vector-size", rr.message.at("SizeOfIVBlock"))
    rr = blk(ID, 0, 0, bytes(16), VECTOR).patched("SizeOfBlock", b"\xff\xff\xff\xf0")
    refuse(group, 259, "A block of 4,294,967,280 bytes claimed.", f"PCCRR-2.2.5.3-01 {HEAD}", rr.finish(), "truncated",
           rr.message.at("Block"), ["lying-count"])


def build():
    file = VectorFile(
        "message_invalid", "message", "Retrieval messages, refused",
        "Refuse the message. The offset is that of the field at fault, from the first byte of the input, the size in front of a "
        "response counted.", **DOCUMENT)
    for part in (truncated, sizes, types, identifiers, ranges, padding_and_ciphers):
        part(file)
    return file
