"""Content information made of a content, and held against one: MS-PCCRC 2.1, 2.2.

Invariant: a content is read once, a block at a time.
Byte order: none.
"""

from . import content, identify

# Any cut from 1 byte to 128 KiB is legal; this one is nobody's default, so that nothing fits by chance.
V2_CUT_BYTES = 96 * 1024


def create(file, version, secret_key, digest=identify.SHA256):
    """Content information of all that is in a file."""
    segments = _v2(file, secret_key) if version == 2 else _v1(file, secret_key, digest)
    if not segments:
        raise ValueError("empty content has no segments, so it has no content information")
    return content.Info(version, segments, 0, segments[-1].start + segments[-1].size)


def _v2(file, secret_key):
    digest = identify.TRUNCATED_SHA512
    server_secret = digest.server_secret(secret_key)
    segments, start = [], 0
    while data := file.read(V2_CUT_BYTES):
        hash_of_data = digest.digest(data)
        secret = digest.segment_secret(server_secret, hash_of_data)
        block = content.Block(0, start, len(data), hash_of_data)
        segments.append(content.Segment(start, len(data), digest, hash_of_data, secret, [block]))
        start += len(data)
    return segments


def _v1(file, secret_key, digest):
    server_secret = digest.server_secret(secret_key)
    segments, start, blocks = [], 0, []

    def close_segment():
        hash_of_data = digest.digest(b"".join(block.digest for block in blocks))
        secret = digest.segment_secret(server_secret, hash_of_data)
        first, size = blocks[0].start, sum(block.size for block in blocks)
        segments.append(content.Segment(first, size, digest, hash_of_data, secret, list(blocks)))
        blocks.clear()

    while data := file.read(content.V1_BLOCK_BYTES):
        blocks.append(content.Block(len(blocks), start, len(data), digest.digest(data)))
        start += len(data)
        if len(blocks) == content.V1_SEGMENT_BYTES // content.V1_BLOCK_BYTES:
            close_segment()
    if blocks:
        close_segment()
    return segments


def first_difference(file, info):
    """The first block of the content information that the file does not hold, or None."""
    for segment in info.segments:
        for block in segment.blocks:
            file.seek(block.start)
            if not segment.is_genuine(block, file.read(block.size)):
                return block
    return None
