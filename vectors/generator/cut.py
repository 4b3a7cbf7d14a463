"""Where a content is cut into version 2.0 segments: [MS-PCCRC] 2.1 leaves it open, docs/SEGMENTATION.md fixes it here.

Any cut within 2.4.1.2's limits is legal on the wire; these cases bind only implementations of that text.
"""

import cutter

from . import patterns
from .info_model import V2_SEGMENT_MAX
from .model import VectorFile

MB = 1024 * 1024


def build():
    file = VectorFile(
        "cut", "cut", "Content cut into segments of version 2.0",
        "Make the content and cut it as docs/SEGMENTATION.md says. Other cuts are legal too; these make edited files share segments.")
    group = file.group("short", "docs/SEGMENTATION.md", version=2)

    def case(number, comment, parts, flags=()):
        data = patterns.render(parts)
        lengths = cutter.cut(data)
        assert sum(lengths) == len(data) and all(0 < n <= V2_SEGMENT_MAX for n in lengths)
        group.test(number, comment, "segments-v2 v2-segment-length", {"content": parts},
                   {"result": "valid", "segment_lengths": lengths}, flags)
        return lengths

    case(1, "One byte.", [patterns.repeat(b"a", 1)], ["boundary"])
    case(2, "One byte less than the window.", [patterns.noise("cut", 71)], ["boundary"])
    case(3, "16 KiB, the shortest segment that is not the last.", [patterns.noise("cut", 16384)], ["boundary"])
    case(4, "128 KiB of zeros, the longest segment.", [patterns.repeat(b"\0", 131072)], ["boundary"])
    case(5, "One byte more.", [patterns.repeat(b"\0", 131073)], ["boundary"])
    group = file.group("long", "docs/SEGMENTATION.md", version=2)
    case(10, "1 MiB of zeros.", [patterns.repeat(b"\0", MB)])
    case(11, "1 MiB of FF.", [patterns.repeat(b"\xff", MB)])
    case(12, "1 MiB that repeats 251 bytes.", [patterns.sequence(MB)])
    case(13, "1 MiB that repeats 4,096 bytes of noise.",
         [patterns.repeat(patterns.render([patterns.noise("cut", 4096)]), MB)])
    noise = case(14, "2 MiB of noise.", [patterns.noise("cut", 2 * MB)])
    front = case(15, "The same behind one more byte: the cuts come together again.",
                 [patterns.repeat(b"!", 1), patterns.noise("cut", 2 * MB)])
    assert noise[-1] == front[-1] and len(set(noise) & set(front)) > len(noise) // 2
    case(16, "1 MiB of words.", [patterns.text("cut", MB)])
    case(17, "Noise, 300,000 zeros, words.",
         [patterns.noise("cut 17", 200000), patterns.repeat(b"\0", 300000), patterns.text("cut 17", 200000)])
    case(18, "Short runs of zeros in noise.",
         [part for i in range(8) for part in (patterns.noise(f"cut 18 {i}", 30000), patterns.repeat(b"\0", 5000))])
    return file
