"""What each flag of a test means: the effect of getting it wrong, and what the test holds.

A file explains only the flags that it uses.
"""


def _flag(effect, description):
    return {"effect": effect, "description": description}


FLAGS = {
    "ambiguous": _flag(
        "Readers disagree on where the range lies.",
        "The document contradicts itself here; the reading expected is one choice among several, named in the comment."),
    "blob": _flag(
        "A segment list is lost because of its ages, or ages that are not there are believed.",
        "The extensible blob is checked on its own; one that fails is dropped and the message stands."),
    "boundary": _flag(
        "The largest or smallest legal value is refused, or the first illegal one is accepted.",
        "A length, offset or count at the edge of what is allowed."),
    "captured": _flag(
        "The implementation shares nothing with Windows.",
        "Values seen on a Windows server. They come from no other implementation of these formulas."),
    "case": _flag(
        "Peers that write the other letter case are not understood.",
        "The same in another letter case."),
    "corrupted": _flag(
        "Damaged data is taken for good.",
        "Bytes were changed after a correct structure was made."),
    "document-error": _flag(
        "The implementation follows a slip of the document and disagrees with Windows.",
        "The example of the document contradicts its own rules; the comment says how."),
    "document-example": _flag(
        "The implementation cannot read what the document shows.",
        "An example of section 3. The document gives no content, so the content is made up."),
    "empty-answer": _flag(
        "Having nothing is taken for an error and the peer is given up.",
        "An answer that says that nothing is there."),
    "hash-list": _flag(
        "Block hashes that do not belong to the segment id are trusted.",
        "The listed block hashes do not hash to the segment's hash of data."),
    "hash-request": _flag(
        "Clients never learn the hashes, or ask for ever.",
        "MakeHashRequest or HashRequest."),
    "hostile": _flag(
        "A single datagram costs memory or time without bound.",
        "XML that no honest sender writes."),
    "long-id": _flag(
        "Content with SHA-384 or SHA-512 hashes is not found.",
        "Segment ids of 48 or 64 bytes."),
    "long-key": _flag(
        "HMAC or the hash mishandles inputs around and beyond its block length.",
        "The secret is as long as the block of the hash function, one byte off, or longer."),
    "lying-count": _flag(
        "Memory is reserved for data that is not there, or reading leaves the buffer.",
        "A count or length field claims more than follows."),
    "missing-data": _flag(
        "A client whose peers failed gets hashes again, or all of the content.",
        "MissingDataRequest."),
    "multi-segment": _flag(
        "Ranges or block lists are wrong as soon as there is a second segment.",
        "More than one segment is listed."),
    "namespace": _flag(
        "Messages with other prefixes are not understood.",
        "Prefixes carry no meaning; namespaces do."),
    "order-of-checks": _flag(
        "The report names a consequence and not the first cause.",
        "Several fields are wrong; the one that stands first in the order of reading is reported."),
    "overflow": _flag(
        "Arithmetic wraps around and a wrong value passes the check.",
        "Values whose sum or product does not fit 32 or 64 bits."),
    "padding": _flag(
        "Blocks of some peers cannot be decrypted, or padding is taken for content.",
        "What stands behind the block before encryption."),
    "passphrase": _flag(
        "Servers that share a passphrase do not share segment ids.",
        "Text becomes bytes as UTF-16LE without a byte order mark, a terminating NUL or normalisation."),
    "quirk": _flag(
        "Information written by a real server is refused, or the deviation goes unreported.",
        "Accepted, and reported under its name."),
    "range": _flag(
        "The wrong bytes are taken for the content.",
        "The information describes a part of the content."),
    "reading": _flag(
        "None for another reading of the document that is followed throughout; clients may see another status.",
        "The document is silent, or contradicts itself. What is expected is the reading that the catalogue of requirements states."),
    "shape-of-range-only": _flag(
        "Blocks get the wrong index and never verify.",
        "The block list does not start at block 0 of its segment."),
    "surrogate-pair": _flag(
        "Characters beyond the basic plane are dropped or encoded as UCS-2.",
        "The passphrase has a character that takes two UTF-16 code units."),
    "trailing-data": _flag(
        "Data behind the structure is ignored, so two byte strings pass for the same information.",
        "Bytes follow the last field."),
    "truncation": _flag(
        "Reading leaves the buffer, or half a field is taken for a whole one.",
        "The structure ends early."),
    "unknown-value": _flag(
        "A later version of the protocol is refused, or a number changes on its way.",
        "A number or name that the document does not know."),
    "version": _flag(
        "Peers of another version get what they cannot read.",
        "Versions are chosen or compared."),
    "white-space": _flag(
        "Messages that are only laid out differently are refused.",
        "White space where the grammar allows it."),
    "wrong-byte-order": _flag(
        "A value written in the wrong byte order is taken as it stands.",
        "A field has the byte order of the other version."),
}
