"""What a peer answers to the blocks asked for: [MS-PCCRR] 2.2.5.2, 3.2.5.2 and 3.2.5.3."""

from .model import VectorFile
from .rr_model import DOCUMENT, shown_ranges

OTHER_FORM = "rr-ranges-not-normalised"


def blocks_of(ranges):
    return {index for start, count in ranges for index in range(start, start + count)}


def joined(blocks):
    found = []
    for index in sorted(blocks):
        if found and sum(found[-1]) == index:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((index, 1))
    return found


def intersect(file):
    group = file.group("intersect", "MS-PCCRR 3.2.5.2", operation="intersect")
    rows = (
        (1, [(0, 512)], [(0, 512)], "All of all."),
        (2, [(0, 512)], [], "The peer has nothing."),
        (3, [(10, 10)], [(0, 5), (30, 5)], "Nothing in common."),
        (4, [(0, 10)], [(5, 10)], "The end of the one, the start of the other."),
        (5, [(5, 10)], [(0, 10)], "The other way round."),
        (6, [(0, 100)], [(10, 1), (20, 2), (99, 10)], "Three pieces inside; the next block is behind the range."),
        (7, [(10, 1), (20, 2)], [(0, 100)], "Two pieces of what the peer has."),
        (8, [(0, 2), (4, 2), (8, 2)], [(1, 8)], "Pieces on both sides."),
        (9, [(511, 1)], [(511, 1)], "The last block; nothing follows."),
        (10, [(0, 1)], [(0, 1), (511, 1)], "The first block; the last one follows."),
        (11, [(0, 5)], [(0, 5), (5, 5)], "The peer's ranges touch; the block right behind is the next."),
        (12, [(2 * i, 1) for i in range(256)], [(0, 512)], "Every other block."),
        (13, [(2 * i, 1) for i in range(256)], [(2 * i + 1, 1) for i in range(256)], "Even blocks asked for, odd ones there."),
        (14, [(10, 5), (0, 5)], [(0, 100)], "Asked for in the wrong order: the answer is sorted."),
        (15, [(0, 10), (5, 10)], [(0, 100)], "Asked for twice over: the answer has each block once."),
        (16, [(0, 5), (5, 5)], [(0, 100)], "Ranges that touch come back as one."),
        (17, [(7, 1), (7, 1), (7, 1)], [(7, 2)], "The same block three times."),
        (18, [], [(0, 512)], "No ranges asked for."),
        (19, [(0, 1), (2, 1)], [(0, 3)], "A gap of one block stays a gap."),
        (20, [(100, 50)], [(0, 120), (140, 100)], "A hole in what the peer has."),
    )
    for number, needed, available, comment in rows:
        have = blocks_of(available)
        common = blocks_of(needed) & have
        quirks = [OTHER_FORM] if joined(blocks_of(needed)) != needed else []
        if not needed:
            quirks = ["rr-zero-ranges"]
        expect = {"result": "quirky" if quirks else "valid", "quirks": quirks, "BlockRanges": shown_ranges(joined(common))}
        if common:
            expect["NextBlockIndex"] = min((index for index in have if index > max(common)), default=0)
        group.test(number, comment, "PCCRR-3.2.5.2-05 PCCRR-2.2.5.2-03 PCCRR-2.2.5.2-04 PCCRR-2.2.5.2-05 PCCRR-2.2.5.2-06", {
            "needed": shown_ranges(needed), "available": shown_ranges(available)}, expect, ["quirk"] if quirks else [])


def select(file):
    group = file.group("select", "MS-PCCRR 3.2.5.3", operation="select")
    rows = (
        (40, [(5, 1)], [(0, 10)], "There, and so is the one behind it."),
        (41, [(5, 1)], [(5, 1)], "There, and nothing behind it."),
        (42, [(5, 1)], [(0, 5), (9, 1)], "Not there."),
        (43, [(5, 1)], [(0, 6), (300, 1)], "There; the next one the peer has is 300."),
        (44, [(511, 1)], [(0, 512)], "The last block: none follows, so 0."),
        (45, [(5, 3)], [(0, 100)], "Three blocks asked for: the first is sent."),
        (46, [(9, 1), (5, 1)], [(0, 100)], "The lower index is in the second range."),
        (47, [(5, 3)], [(6, 10)], "Three asked for, the first not there: an empty block for it, not the next best."),
        (48, [(0, 1)], [], "The peer has nothing."),
    )
    for number, needed, available, comment in rows:
        have, asked = blocks_of(available), blocks_of(needed)
        index, quirks = min(asked), []
        if len(asked) > 1 or len(needed) > 1:
            quirks.append("rr-many-blocks-requested")
        if joined(asked) != needed:
            quirks.append(OTHER_FORM)
        expect = {"result": "quirky" if quirks else "valid", "quirks": quirks, "BlockIndex": index,
                  "is_available": "yes" if index in have else "no"}
        if index in have:
            expect["NextBlockIndex"] = min((other for other in have if other > index), default=0)
        group.test(number, comment, "PCCRR-3.2.5.3-05 PCCRR-3.2.5.3-06 PCCRR-3.2.5.3-07 PCCRR-3.2.5.3-09 PCCRR-3.2.5.3-10 "
                   "PCCRR-2.2.5.3-04", {"needed": shown_ranges(needed), "available": shown_ranges(available)}, expect,
                   ["quirk"] if quirks else [])


def build():
    file = VectorFile(
        "ranges", "ranges", "Which blocks a peer answers with",
        "From the blocks asked for and the blocks there: the ranges of a block list, or the block to send. NextBlockIndex is not "
        "stated where nothing is sent.", **DOCUMENT)
    intersect(file)
    select(file)
    return file
