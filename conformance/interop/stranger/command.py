"""The command line: peer, get, info create, mistakes.

Invariant: exit 0 is good, 1 did not work out, 2 usage or input, 3 not reached.
Byte order: none.
"""

import argparse
import ipaddress
import json
import os
import signal
import sys
import tempfile
import threading

from . import client, content, create, discovery, http1, identify, mistakes, origin, peer
from .wire import Malformed

HASHES = {"sha256": identify.SHA256, "sha384": identify.SHA384, "sha512": identify.SHA512}


class Failure(Exception):
    """A message for people, and the exit code that goes with it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def _address(text):
    try:
        return http1.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _interface(text):
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"an IPv4 address of an interface expected, {text!r} is there") from None


def _secret(text):
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise argparse.ArgumentTypeError("hexadecimal expected, an even number of digits") from None


def _clients(text):
    if not text.isdigit() or not 1 <= int(text) <= 16384:
        raise argparse.ArgumentTypeError(f"1 to 16384 expected, {text!r} is there")
    return int(text)


def _parser():
    parser = argparse.ArgumentParser(prog="stranger.py", description="An independent PeerDist peer and client.")
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("peer", help="serve the blocks of a file to clients and answer their probes")
    serve.add_argument("--listen", type=_address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    serve.add_argument("--content", required=True, metavar="FILE", help="the content")
    serve.add_argument("--info", required=True, metavar="FILE", help="its content information")
    serve.add_argument("--interface", type=_interface, metavar="IP", help="respond to probes there")
    serve.add_argument("--clients", type=_clients, default=peer.CLIENTS, help="how many are served at a time")
    serve.add_argument("--mistake", choices=mistakes.names("peer"))
    serve.set_defaults(run=_peer)

    get = commands.add_parser("get", help="get a content from peers and its origin")
    get.add_argument("url", help="http://HOST/...")
    get.add_argument("-o", "--output", required=True, metavar="FILE")
    get.add_argument(
        "--interface", type=_interface, metavar="IP", help="probe from there [default: the system's choice]"
    )
    get.add_argument(
        "--peer", type=_address, action="append", default=[], metavar="HOST:PORT", help="instead of probes"
    )
    get.add_argument("--info-version", type=int, choices=(1, 2), default=2, help="the highest to ask for")
    get.add_argument("--json", action="store_true", help="the summary on standard output")
    get.add_argument("--mistake", choices=mistakes.names("get"))
    get.set_defaults(run=_get)

    info = commands.add_parser("info", help="content information").add_subparsers(dest="action", required=True)
    make = info.add_parser("create", help="make the content information of a file")
    make.add_argument("file", metavar="FILE")
    make.add_argument("--version", type=int, choices=(1, 2), default=2)
    make.add_argument("--hash", choices=HASHES, default="sha256", help="of version 1")
    make.add_argument("--secret-hex", type=_secret, required=True, metavar="HEX")
    make.add_argument("-o", "--output", required=True, metavar="OUT")
    make.set_defaults(run=_info_create)

    show = commands.add_parser("mistakes", help="list the mistakes that can be switched on")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=_mistakes)
    return parser


def _peer(arguments):
    with open(arguments.info, "rb") as file:
        info = content.parse(file.read(content.INFO_BYTES_MOST + 1))
    with open(arguments.content, "rb") as file:
        different = create.first_difference(file, info)
        if different:
            where = f"the block of {different.size} bytes at {different.start}"
            raise Failure(
                1, f"{arguments.content} is not the content of {arguments.info}: {where} has another hash"
            )
        store = peer.Store(file, info)
        server = peer.Server(arguments.listen, peer.Responses(store, arguments.clients, arguments.mistake))
        responder = None
        if arguments.interface:
            host, port = server.address
            shown = http1.show((arguments.interface if host in ("0.0.0.0", "::") else host, port))
            responder = discovery.Responder(store, arguments.interface, shown, arguments.mistake)
        _serve(server, responder)
    return 0


def _serve(server, responder):
    """Until SIGTERM or SIGINT."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threads = [threading.Thread(target=server.run, daemon=True)]
    if responder:
        threads.append(threading.Thread(target=responder.run, daemon=True))
    for thread in threads:
        thread.start()
    print(f"peer http://{http1.show(server.address)}/", flush=True)
    ended.wait()
    server.stop()
    if responder:
        responder.stop()
    for thread in threads:
        thread.join(1)


def _get(arguments):
    try:
        run = client.Get(
            arguments.url,
            arguments.output,
            arguments.info_version,
            arguments.interface,
            arguments.peer,
            arguments.mistake,
        )
    except ValueError as error:
        raise Failure(2, str(error)) from None
    try:
        summary = run.run()
    except origin.NotGiven as error:
        raise Failure(1, f"{arguments.url}: {error}") from None
    except http1.BadHttp as error:
        raise Failure(3, f"{arguments.url}: {error}") from None
    print(json.dumps(summary), file=sys.stdout if arguments.json else sys.stderr)
    return 0


def _info_create(arguments):
    with open(arguments.file, "rb") as file:
        try:
            info = create.create(file, arguments.version, arguments.secret_hex, HASHES[arguments.hash])
        except ValueError as error:
            raise Failure(2, f"{arguments.file}: {error}") from None
    directory = os.path.dirname(os.path.abspath(arguments.output))
    handle, name = tempfile.mkstemp(dir=directory, prefix=".stranger-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.write(info))
        os.replace(name, arguments.output)
    except BaseException:
        os.unlink(name)
        raise
    return 0


def _mistakes(arguments):
    if arguments.json:
        print(json.dumps([vars(mistake) for mistake in mistakes.MISTAKES], indent=2))
        return 0
    for mistake in mistakes.MISTAKES:
        print(f"{mistake.name:20} {mistake.role:10} {mistake.requirement:18} {mistake.about}")
    return 0


def main(words=None):
    """Runs a command; its exit code."""
    arguments = _parser().parse_args(words)
    try:
        return arguments.run(arguments)
    except Failure as failure:
        print(f"stranger: {failure}", file=sys.stderr)
        return failure.code
    except Malformed as error:
        print(f"stranger: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"stranger: {error}", file=sys.stderr)
        return 2
