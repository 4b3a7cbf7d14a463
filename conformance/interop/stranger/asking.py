"""The client-role peer: MS-PCCRR 3.1, one exchange a connection.

Invariant: an answer that does not fit the question, or misses the request timer, raises; nothing of it is kept.
Byte order: that of the messages.
"""

from . import cipher, http1, retrieval
from .wire import Malformed

REQUEST_SECONDS = 2


def exchange(address, kind, body):
    """Asks a peer, in its version if it does not know ours: (header, reader) of what it says."""
    header, reader = _exchange(address, retrieval.message(kind, body, cipher.AES_128))
    if header.kind != retrieval.NEGO_RESP:
        return header, reader
    lowest, highest = (version & 0xFFFF for version in retrieval.read_versions(reader))
    common = [major for major in retrieval.MAJORS if lowest <= major <= highest]
    if not common:
        raise Malformed("no version in common")
    version = (retrieval.VERSION_1, retrieval.VERSION_2)[common[-1] - 1]
    return _exchange(address, retrieval.message(kind, body, cipher.AES_128, version))


def _exchange(address, message):
    fields = {"Content-Length": len(message), "Content-Type": "application/octet-stream"}
    channel, status, fields = http1.ask(address, "POST", retrieval.PATH, fields, REQUEST_SECONDS, message)
    with channel.connection:
        if status != 200:
            raise http1.BadHttp(f"{http1.show(address)} answers with status {status}")
        data = channel.whole(fields, retrieval.RESPONSE_BYTES_MOST + 4, until_end=True)
    return retrieval.response(data)


def block_list(address, segment_id, needed):
    """Which of the needed blocks a peer has."""
    body = retrieval.get_block_list(segment_id, retrieval.joined(needed))
    header, reader = exchange(address, retrieval.GETBLKLIST, body)
    if header.kind != retrieval.BLKLIST:
        raise Malformed(f"MsgType: {retrieval.BLKLIST} expected, {header.kind} is there")
    answered_id, ranges = retrieval.read_block_list(reader)
    if answered_id != segment_id:
        raise Malformed("SegmentId: another than was asked for")
    has = {index for index in needed if any(first <= index < first + count for first, count in ranges)}
    if ranges and not has:
        raise Malformed("BlockRanges: none that was asked for")
    return has


def block(address, segment, wanted):
    """A block in the clear, yet unverified; None if the peer does not have it."""
    header, reader = exchange(address, retrieval.GETBLKS, retrieval.get_block(segment.id, wanted.index))
    if header.kind != retrieval.BLK:
        raise Malformed(f"MsgType: {retrieval.BLK} expected, {header.kind} is there")
    answer = retrieval.read_block(header.algorithm, reader)
    if answer.segment_id != segment.id or answer.index != wanted.index:
        raise Malformed("SegmentId or BlockIndex: another than was asked for")
    if not answer.data:
        return None
    return cipher.decrypt(answer.algorithm, segment.secret, answer.iv, answer.data, wanted.size)
