"""The HTTP client of the content server: MS-PCCRTP 3.1.

Invariant: missing data are asked for without the coding, and only the bytes asked for are taken.
Byte order: none.
"""

import re
from urllib.parse import urlsplit

from . import content, http1
from .wire import Malformed

HEAD_SECONDS = 30
PIECE_SECONDS = 15


class NotGiven(Exception):
    """The origin does not give what it was asked for."""


class Origin:
    """A URL."""

    def __init__(self, url, mistake=None):
        parts = urlsplit(url)
        host = re.fullmatch(r"[0-9A-Za-z._:-]{1,255}", parts.hostname or "", re.ASCII)
        if parts.scheme != "http" or not host or parts.username is not None:
            raise ValueError(f"http://HOST/... expected, {url[:80]!r} is there")
        self.address = parts.hostname, parts.port or 80
        self.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not self.target.isascii() or not self.target.isprintable() or " " in self.target:
            raise ValueError(f"URL {url[:80]!r}: characters that are to be percent-encoded")
        self.mistake = mistake

    def _get(self, fields):
        return http1.ask(self.address, "GET", self.target, fields, HEAD_SECONDS)

    def first(self, version, hash_request=False):
        """Asks for the content with content information up to that version: (channel, fields), before the body."""
        asked = f"MinContentInformation=1.0, MaxContentInformation={version}.0"
        fields = {
            "Accept-Encoding": "peerdist",
            "X-P2P-PeerDist": "Version=1.1",
            "X-P2P-PeerDistEx": asked + (", HashRequest=true" if hash_request else ""),
        }
        return self._checked(*self._get(fields))

    def plain(self):
        """Asks for the content as if there were no peers."""
        return self._checked(*self._get({"Accept-Encoding": "identity"}))

    def _checked(self, channel, status, fields):
        if status != 200:
            channel.connection.close()
            raise NotGiven(f"the origin answers with status {status}; 200 expected")
        return channel, fields

    def missing(self, start, end, whole, write):
        """Bytes of the content that no peer gave, handed to write(offset, data)."""
        coding = "peerdist" if self.mistake == "coded-missing-data" else "identity"
        fields = {
            "Accept-Encoding": coding,
            "Range": f"bytes={start}-{end - 1}",
            "X-P2P-PeerDist": "Version=1.1, MissingDataRequest=true",
        }
        channel, status, fields = self._get(fields)
        with channel.connection:
            if is_coded(fields):
                raise NotGiven("the origin answers missing data with content information")
            if status == 206:
                first, past = _content_range(fields.get("content-range", ""), whole)
            elif status == 200:
                first, past = 0, whole
            else:
                raise NotGiven(f"the origin answers missing data with status {status}; 206 expected")
            if first > start or past < end:
                raise NotGiven(f"the origin gives bytes {first} to {past}; {start} to {end} were asked for")
            at = first
            for piece in channel.body(fields, PIECE_SECONDS, until_end=True):
                inside = piece[max(start - at, 0) : max(end - at, 0)]
                if inside:
                    write(max(at, start), inside)
                at += len(piece)
                if at >= end:
                    return
            raise NotGiven(f"the origin ends after {at - first} bytes of {past - first}")


def _content_range(text, whole):
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", text, re.ASCII)
    if not found or found[3] not in ("*", str(whole)):
        raise NotGiven(f"Content-Range: of {whole} bytes expected, {text[:60]!r} is there")
    return int(found[1]), int(found[2]) + 1


def is_coded(fields):
    """Whether the body is content information."""
    return fields.get("content-encoding", "").strip().lower() == "peerdist"


def parameters(text):
    """The parameters of X-P2P-PeerDist or X-P2P-PeerDistEx by their names in lower case."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def information(channel, fields):
    """The content information of a coded answer; it is for the whole content."""
    data = channel.whole(fields, content.INFO_BYTES_MOST, until_end=True)
    info = content.parse(data)
    length = parameters(fields.get("x-p2p-peerdist", "")).get("contentlength", "")
    if http1.decimal(length) != info.end or info.start != 0 or info.segments[0].start != 0:
        raise Malformed(f"ContentLength {length}: content information is for bytes {info.start} to {info.end}")
    return info
