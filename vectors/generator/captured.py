"""Content information of one file of 99,710 bytes as a Windows server made it.

These values were not computed by anything in this repository. The content itself is not at hand, so the structures
are put together again from the captured hashes.
"""

from .info_model import Segment

SOURCE = "captured from Windows Server"
SECRET_KEY = bytes.fromhex("2a3d73eb435e9f2b8a344267e7467a3c7385c6e055e2b4d30dfec7c38b0ed72c")
LENGTH = 99710

V1_BLOCKS = [
    bytes.fromhex("73c18ab8549110f8e90e71bbc3ab2aa8c44d13f4929499255b660f24ec77800b"),
    bytes.fromhex("974bdd65567fdeeccdafe457a9503b4548f66ed3b188dcfda0ac382b09711acc"),
]
V1_HOD = bytes.fromhex("d8d976354a4872e925761803f458d9daaa67f8e31c630fb74e6a312ef8a25aba")
V1_KP = bytes.fromhex("11afc0d7949243f94f9c1fab35d9fd1e331fcf7811a2e01d3587b38d770a29e2")
V1_ID = bytes.fromhex("491b217dbee2b5f12ca79b015e06f4bbe64f9745bad7867aef17de59927edce9")

V2_LENGTHS = [39390, 60320]
V2_HODS = [
    bytes.fromhex("e0d0c358e2684b62330d32b5f1978724a0d0a52bdc5e781fae71ff57a8be3dd4"),
    bytes.fromhex("3381d0d0cb74f4b613d8210f37f002a06f3910586096a130d34398c08e66d7bc"),
]
V2_KPS = [
    bytes.fromhex("58037ed404116bb616d9b14116088520c47cdc50abcea3fae188a98ea22df3c0"),
    bytes.fromhex("b8b6eb7783e4f807647b63f146b52f4ac89ccc7abf5fa11acafc2acf5028586c"),
]
V2_IDS = [
    bytes.fromhex("3371bbeaddb62353adcef970a06fdf65001e0421f4c7108276b0c37a9f9ec10f"),
    bytes.fromhex("d7e924425e8f4f88f01dc6a9bb1bc37be113ec7917c745d4965c2b55fa163a6e"),
]


def v1_segments():
    segment = Segment("sha256", 0, 0, LENGTH, V1_HOD, V1_KP, V1_BLOCKS)
    assert segment.id() == V1_ID
    return [segment]


def v2_segments():
    segments = [
        Segment("sha512-truncated", 0, 0, V2_LENGTHS[0], V2_HODS[0], V2_KPS[0]),
        Segment("sha512-truncated", 1, V2_LENGTHS[0], V2_LENGTHS[1], V2_HODS[1], V2_KPS[1]),
    ]
    assert [s.id() for s in segments] == V2_IDS
    return segments
