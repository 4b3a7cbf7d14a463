"""Probing and responding over multicast: MS-PCCRD 3.

Invariant: what waits is bounded; a datagram that is malformed or another service's leaves no trace.
Byte order: none.
"""

import heapq
import ipaddress
import random
import selectors
import socket
import struct
import sys
import time

from . import http1, soap
from .wire import Malformed

GROUP, PORT = "239.255.255.250", 3702
APP_MAX_DELAY_MS = 65
REQUEST_SECONDS = 0.3
PENDING_MOST = 256
PEERS_MOST = 16
DATAGRAMS_MOST = 4096
IDS_IN_PROBE_MOST = {1: 8, 2: 32}
# Linux: whether groups that other sockets joined are received too.
IP_MULTICAST_ALL = 49


def _bound(host, port):
    """A UDP socket that others may share the port with."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    receiver.bind((host, port))
    receiver.setblocking(False)
    return receiver


class Responder:
    """Answers probes for what a store has."""

    def __init__(self, store, interface, address, mistake=None):
        self.store, self.address, self.mistake = store, address, mistake
        self.endpoint, self.instance, self.number = soap.new_id(), int(time.time()), 0
        self.pending, self.order, self.stopped = [], 0, False
        # One by the group and one by the address, so that unicast probes come in beside others that share the port.
        self.multicast, self.unicast = _bound(GROUP, PORT), _bound(interface, PORT)
        if sys.platform == "linux":
            self.multicast.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        membership = socket.inet_aton(GROUP) + socket.inet_aton(interface)
        self.multicast.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)

    def run(self):
        """Responds until stop()."""
        with selectors.DefaultSelector() as selector, self.multicast, self.unicast:
            for receiver in (self.multicast, self.unicast):
                selector.register(receiver, selectors.EVENT_READ)
            while not self.stopped:
                wait = min(self.pending[0][0] - time.monotonic(), 0.2) if self.pending else 0.2
                for key, _ in selector.select(max(wait, 0)):
                    self._receive(key.fileobj)
                while self.pending and self.pending[0][0] <= time.monotonic():
                    self._respond(*heapq.heappop(self.pending)[2:])

    def stop(self):
        """Ends run() soon."""
        self.stopped = True

    def _receive(self, receiver):
        try:
            data, sender = receiver.recvfrom(65536)
            probe = soap.read_probe(data)
        except (OSError, Malformed):
            return
        if len(self.pending) == PENDING_MOST or not any(
            known in self.store.segments for known in probe.segment_ids
        ):
            return
        due = time.monotonic() + random.uniform(1, APP_MAX_DELAY_MS) / 1000
        self.order += 1
        heapq.heappush(self.pending, (due, self.order, probe, sender))

    def _respond(self, probe, sender):
        relates_to = soap.new_id() if self.mistake == "unrelated-match" else probe.message_id
        self.number += 1
        sequence = (self.instance, self.number)
        data = soap.match(probe, relates_to, self.store, self.endpoint, sequence, self.address)
        try:
            self.unicast.sendto(data, sender)
        except OSError:
            # The sender is gone, or its address is one that nothing goes to.
            pass


def local_networks(interface=None):
    """The IPv4 networks that this machine, or one of its interfaces, is on."""
    import fcntl

    networks = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                address = fcntl.ioctl(any_socket.fileno(), 0x8915, request)[20:24]  # SIOCGIFADDR
                mask = fcntl.ioctl(any_socket.fileno(), 0x891B, request)[20:24]  # SIOCGIFNETMASK
            except OSError:
                continue
            network = ipaddress.ip_network((address, int.from_bytes(mask, "big").bit_count()), strict=False)
            if interface is None or ipaddress.ip_address(interface) in network:
                networks.append(network)
    return networks


def find(version, segment_ids, interface=None):
    """The peers of each segment: {segment id: [(host, port)]}. Asks twice for those that nobody has."""
    found = {segment_id: [] for segment_id in segment_ids}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as prober:
        prober.bind((interface or "0.0.0.0", 0))
        if interface:
            prober.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        networks = local_networks(interface)
        for _ in range(2):
            missing = [segment_id for segment_id, peers in found.items() if not peers]
            most = IDS_IN_PROBE_MOST[version]
            for start in range(0, len(missing), most):
                _probe(prober, version, missing[start : start + most], networks, found)
    return found


def _probe(prober, version, segment_ids, networks, found):
    message_id = soap.new_id()
    prober.sendto(soap.probe(message_id, version, segment_ids), (GROUP, PORT))
    deadline = time.monotonic() + REQUEST_SECONDS
    for _ in range(DATAGRAMS_MOST):
        left = deadline - time.monotonic()
        if left <= 0:
            return
        prober.settimeout(left)
        try:
            data, sender = prober.recvfrom(65536)
            _take(data, sender, version, message_id, segment_ids, networks, found)
        except (OSError, Malformed):
            continue


def _take(data, sender, version, message_id, segment_ids, networks, found):
    """Notes what a match says; one from elsewhere, or for another probe, says nothing."""
    answer = soap.read_match(data)
    if answer.version != version or answer.relates_to != message_id or not _is_local(sender[0], networks):
        return
    held = soap.matched_ids(answer, segment_ids)
    for text in answer.addresses:
        try:
            host, port = http1.split(text)
        except ValueError:
            continue
        if not port or not _is_local(host, networks):
            continue
        for segment_id in held:
            peers = found[segment_id]
            if (host, port) not in peers and len(peers) < PEERS_MOST:
                peers.append((host, port))


def _is_local(host, networks):
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
