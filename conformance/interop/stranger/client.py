"""Getting a content: content information, peers, and the origin for the rest.

Invariant: what appears under the output's name is whole, and each block of it had its hash.
Byte order: none.
"""

import os
import tempfile

from . import asking, discovery, http1, origin
from .wire import Malformed

# Fewer consecutive blocks are asked for without asking for a list: MS-PCCRR 3.1.4.3.
LIST_FROM_BLOCKS = 4


class Get:
    """One run."""

    def __init__(self, url, output, version=2, interface=None, peers=(), mistake=None):
        self.origin, self.output = origin.Origin(url, mistake), output
        self.version, self.interface, self.peers, self.mistake = version, interface, list(peers), mistake
        self.info, self.lost = None, set()
        self.summary = {"url": url, "version": None, "bytes": 0, "from_peers": 0, "from_origin": 0, "refused": []}

    def run(self):
        """Fetches, and returns the summary."""
        directory = os.path.dirname(os.path.abspath(self.output))
        handle, name = tempfile.mkstemp(dir=directory, prefix=".stranger-")
        try:
            with os.fdopen(handle, "w+b") as file:
                self._fetch(file)
                self.summary["bytes"] = file.seek(0, os.SEEK_END)
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(name, 0o666 & ~mask)
            os.replace(name, self.output)
        except BaseException:
            os.unlink(name)
            raise
        return self.summary

    def _refuse(self, who, why):
        self.summary["refused"].append(f"{who}: {why}")

    def _fetch(self, file):
        channel, fields = self.origin.first(self.version)
        with channel.connection:
            if not origin.is_coded(fields):
                self._take_body(file, channel, fields)
                return self._hash_request(fields)
            try:
                self.info = origin.information(channel, fields)
            except (Malformed, http1.BadHttp) as error:
                self._refuse("content information", error)
                return self._plain(file)
        self.summary["version"] = self.info.version
        file.truncate(self.info.end)
        missing = self._from_peers(file)
        try:
            self._from_origin(file, missing)
        except (origin.NotGiven, http1.BadHttp) as error:
            if self.mistake == "coded-missing-data":
                raise
            self._refuse("missing data", error)
            self._plain(file)

    def _take_body(self, file, channel, fields):
        for piece in channel.body(fields, origin.PIECE_SECONDS, until_end=True):
            file.write(piece)
            self.summary["from_origin"] += len(piece)

    def _hash_request(self, fields):
        """The origin had no hashes yet and wants to be asked for them: what it says is held against the body."""
        if origin.parameters(fields.get("x-p2p-peerdistex", "")).get("makehashrequest", "").lower() != "true":
            return
        try:
            channel, fields = self.origin.first(self.version, hash_request=True)
            with channel.connection:
                if origin.is_coded(fields):
                    self.summary["version"] = origin.information(channel, fields).version
        except (Malformed, http1.BadHttp, origin.NotGiven) as error:
            self._refuse("hash request", error)

    def _plain(self, file):
        """Everything from the origin, when its content information, or what it said of it, is no good."""
        self.summary.update(version=None, from_peers=0, from_origin=0)
        file.seek(0)
        file.truncate()
        channel, fields = self.origin.plain()
        with channel.connection:
            self._take_body(file, channel, fields)

    def _from_peers(self, file):
        """Fetches what peers have; the (segment, block) pairs that none gave."""
        segments = {segment.id: segment for segment in self.info.segments}
        if self.peers:
            found = {segment_id: self.peers for segment_id in segments}
        else:
            try:
                found = discovery.find(self.info.version, list(segments), self.interface)
            except OSError as error:
                self._refuse("discovery", error)
                found = {}
        # A segment may occur several times in a content, so ids do not count them.
        return [
            pair
            for segment in self.info.segments
            for pair in self._segment(file, segment, found.get(segment.id, []))
        ]

    def _segment(self, file, segment, peers):
        """Fetches what a segment lacks from those that have it, block by block in turn."""
        missing = {block.index: block for block in segment.blocks}
        has = {}
        for peer in peers:
            if peer not in self.lost:
                has[peer] = self._careful(peer, self._held, peer, segment, sorted(missing)) or set()
        while missing and any(has.values()):
            for peer in list(has):
                index = min(has[peer] & missing.keys(), default=None)
                if index is None:
                    del has[peer]
                    continue
                has[peer].discard(index)
                self._careful(peer, self._block, file, segment, missing, index, peer)
                if peer in self.lost:
                    del has[peer]
        return [(segment, block) for block in missing.values()]

    def _careful(self, peer, ask, *arguments):
        """What a peer says; one that says something wrong is not asked again."""
        try:
            return ask(*arguments)
        except (Malformed, http1.BadHttp) as error:
            self.lost.add(peer)
            self._refuse(http1.show(peer), error)
            return None

    def _held(self, peer, segment, wanted):
        """Which blocks a peer may have: it is only asked where there are more than a few."""
        if len(wanted) < LIST_FROM_BLOCKS and wanted[-1] - wanted[0] < len(wanted):
            return set(wanted)
        return set(asking.block_list(peer, segment.id, wanted))

    def _block(self, file, segment, missing, index, peer):
        block = missing[index]
        data = asking.block(peer, segment, block)
        if data is None:
            return
        if self.mistake != "unverified-blocks" and not segment.is_genuine(block, data):
            raise Malformed(f"block {index} of segment {segment.id.hex()} is not what its hash says")
        file.seek(block.start)
        file.write(data)
        self.summary["from_peers"] += len(data)
        del missing[index]

    def _from_origin(self, file, missing):
        """Asks for what is missing, range by range, and verifies it too: the content may have changed."""

        def write(offset, data):
            file.seek(offset)
            file.write(data)
            self.summary["from_origin"] += len(data)

        for start, end in _ranges(block for _, block in missing):
            self.origin.missing(start, end, self.info.end, write)
        for segment, block in missing:
            file.seek(block.start)
            if not segment.is_genuine(block, file.read(block.size)):
                raise origin.NotGiven(f"the bytes from {block.start} on are not those of the content information")


def _ranges(blocks):
    """Blocks as ranges of bytes that do not touch."""
    ranges = []
    for block in blocks:
        if ranges and ranges[-1][1] == block.start:
            ranges[-1][1] += block.size
        else:
            ranges.append([block.start, block.start + block.size])
    return ranges
