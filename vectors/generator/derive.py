"""[MS-PCCRC] 2.2 and 2.5: from the secret key to Ks, Kp and the segment id."""

from . import captured
from .model import VectorFile
from .primitives import C2, digest, segment_id, segment_secret, server_secret

# (first number, algorithm)
ALGORITHMS = ((10, "sha256"), (30, "sha384"), (50, "sha512"), (70, "sha512-truncated"))
# The place in this row makes the number of the test: append only.
SECRET_LENGTHS = (1, 15, 63, 64, 65, 111, 112, 127, 128, 129, 200)
PASSPHRASES = (
    (90, "secret", "Plain ASCII: every character becomes two bytes.", ()),
    (91, "no more secrets", "The passphrase of the examples, typed by an administrator and not set as bytes.", ()),
    (92, "a", "One character, two bytes.", ()),
    (93, "Gl\u00fcck und \u20ac", "Letters outside ASCII: one code unit each.", ()),
    (94, "\u540d\u524d\u306f\u79d8\u5bc6", "No character of this passphrase is in Latin-1.", ()),
    (95, "key \U0001f511 ring", "U+1F511 becomes the code units D83D DD11.", ("surrogate-pair",)),
    (96, "\U0001f511\U0010ffff\U00010000", "Only surrogate pairs, with the first and last character that needs one.",
     ("surrogate-pair",)),
    (97, "caf\u00e9", "U+00E9 composed.", ()),
    (98, "cafe\u0301", "The same word decomposed: other bytes, so another secret. Nothing is normalised.", ()),
    (99, " leading and trailing ", "White space belongs to the passphrase.", ()),
    (100, "\ufeffmark", "A byte order mark that was typed is a character like any other.", ()),
    (101, "p" * 100, "A passphrase of 200 bytes.", ("long-key",)),
)


def chain(algorithm, secret_key, hod):
    kp = segment_secret(algorithm, secret_key, hod)
    return {
        "result": "valid",
        "server_secret": server_secret(algorithm, secret_key).hex(),
        "segment_secret": kp.hex(),
        "segment_id": segment_id(algorithm, kp, hod).hex(),
    }


def captured_cases(file):
    v1 = file.group("captured-v1", captured.SOURCE, algorithm="sha256")
    v2 = file.group("captured-v2", captured.SOURCE, algorithm="sha512-truncated")
    rows = [(v1, 1, captured.V1_HOD, captured.V1_KP, captured.V1_ID)]
    rows += [(v2, 2 + i, *row) for i, row in enumerate(zip(captured.V2_HODS, captured.V2_KPS, captured.V2_IDS))]
    for group, number, hod, kp, identifier in rows:
        expect = chain(group.parameters["algorithm"], captured.SECRET_KEY, hod)
        assert expect["segment_secret"] == kp.hex() and expect["segment_id"] == identifier.hex()
        group.test(
            number, f"A file of {captured.LENGTH} bytes: hash of data, segment secret and segment id as Windows made them.",
            "ks kp id hmac" + (" kp-v2" if group is v2 else ""),
            {"secret_key": captured.SECRET_KEY.hex(), "hod": hod.hex()}, expect, ["captured"])
    v1.test(4, "The segment id alone, from a segment secret and hash of data as a reader of content information has them.",
            "id", {"segment_secret": captured.V1_KP.hex(), "hod": captured.V1_HOD.hex()},
            {"result": "valid", "segment_id": captured.V1_ID.hex()}, ["captured"])
    v2.test(5, "The segment id alone; the constant is UTF-16LE with its terminator, 30 bytes.",
            "id kp-v2", {"segment_secret": captured.V2_KPS[0].hex(), "hod": captured.V2_HODS[0].hex()},
            {"result": "valid", "segment_id": captured.V2_IDS[0].hex()}, ["captured"])


def build():
    assert len(C2) == 30
    file = VectorFile(
        "derive", "derive", "Key derivation",
        "Ks = Hash(secret key), Kp = HMAC(Ks, HoD), HoHoDk = HMAC(Kp, HoD + C2), and the bytes of a passphrase. "
        "A test expects only what its input allows to derive.")
    captured_cases(file)
    for first, algorithm in ALGORITHMS:
        group = file.group(f"secret-lengths-{algorithm}", "MS-PCCRC 2.2", algorithm=algorithm)
        for step, length in enumerate(SECRET_LENGTHS):
            secret_key = b"no more secrets" if length == 15 else bytes((i * 7 + length) & 0xFF for i in range(length))
            hod = digest(algorithm, f"hash of data {length}".encode())
            group.test(
                first + step, f"A secret key of {length} byte{'s' if length > 1 else ''}.",
                "ks kp id hmac" + (" kp-v2" if algorithm == "sha512-truncated" else ""),
                {"secret_key": secret_key.hex(), "hod": hod.hex()}, chain(algorithm, secret_key, hod),
                ["long-key"] if length >= 63 else [])
    group = file.group("passphrases", "MS-PCCRC 2.5", algorithm="sha256")
    for number, passphrase, comment, flags in PASSPHRASES:
        secret_key = passphrase.encode("utf-16-le")
        group.test(
            number, comment, "ks passphrase", {"passphrase": passphrase},
            {"result": "valid", "secret_key": secret_key.hex(), "server_secret": server_secret("sha256", secret_key).hex()},
            ["passphrase", *flags])
    group = file.group("passphrase-v2", "MS-PCCRC 2.5", algorithm="sha512-truncated")
    secret_key = "no more secrets".encode("utf-16-le")
    group.test(
        110, "The same passphrase gives version 2.0 another Ks.", "ks passphrase", {"passphrase": "no more secrets"},
        {"result": "valid", "secret_key": secret_key.hex(),
         "server_secret": server_secret("sha512-truncated", secret_key).hex()}, ["passphrase"])
    return file
