"""Cuts a content into version 2 segments: docs/SEGMENTATION.md, written anew from that text.

Invariant: shares no code with the Rust implementation and imports nothing.
Byte order: little-endian dwords.
"""

MIN_SEGMENT = 16 * 1024
NORMAL_SEGMENT = 64 * 1024
MAX_SEGMENT = 128 * 1024

GAP = 64
WINDOW = GAP + 8
NEAR = 0x9E3779B1
FAR = 0x27D4EB2F

STRICT = 2**32 - 2**16
LOOSE = 2**32 - 2**17
FALLBACK = 2**32 - 2**20


def word(data: bytes, at: int) -> int:
    """The hash of the eight bytes at `at`: section 2, literally."""
    near = int.from_bytes(data[at : at + 4], "little")
    far = int.from_bytes(data[at + 4 : at + 8], "little")
    return (near * NEAR + far * FAR) % 2**32


def candidates(data: bytes) -> list[tuple[int, int]]:
    """All (place, hash) whose hash is at least FALLBACK, ascending by place."""
    if len(data) < WINDOW:
        return []
    # As `word` for each place in turn, with the dword moved along by one byte each time.
    dwords = []
    dword = int.from_bytes(data[:3], "little") << 8
    for byte in data[3:]:
        dword = dword >> 8 | byte << 24
        dwords.append(dword)
    words = [(near * NEAR + far * FAR) & 0xFFFFFFFF for near, far in zip(dwords, dwords[4:])]
    found = []
    for start, (left, right) in enumerate(zip(words, words[GAP:])):
        total = (left + right) & 0xFFFFFFFF
        if total >= FALLBACK:
            found.append((start + WINDOW, total))
    return found


def cut(data: bytes) -> list[int]:
    """The lengths of the segments of `data`: section 3."""
    found = candidates(data)
    lengths = []
    start = 0
    first = 0
    while start < len(data):
        while first < len(found) and found[first][0] < start + MIN_SEGMENT:
            first += 1
        end = None
        best = None
        for index in range(first, len(found)):
            place, total = found[index]
            length = place - start
            if length > MAX_SEGMENT:
                break
            if total >= (STRICT if length < NORMAL_SEGMENT else LOOSE):
                end = place
                break
            if best is None or total >= best[1]:
                best = (place, total)
        if end is None:
            if len(data) - start < MAX_SEGMENT:
                end = len(data)
            else:
                end = best[0] if best else start + MAX_SEGMENT
        lengths.append(end - start)
        start = end
    return lengths


if __name__ == "__main__":
    import sys

    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            print(path, *cut(file.read()))
