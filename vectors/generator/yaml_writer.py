"""A small YAML writer whose output depends on nothing but the data.

Keys keep the order of the model. Strings are double-quoted except for names that cannot be mistaken for
another type; long ones are folded with a backslash at the line's end, which every YAML reader joins without a space.
"""

import re

WIDTH = 100
INDENT = 2
PLAIN_KEYS = {
    "document", "kind", "id", "result", "error", "hash", "algorithm", "pattern", "operation",
    "content_length", "flags", "requirements", "quirks",
}
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*([._-][A-Za-z0-9]+)*\Z")
AMBIGUOUS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def dump(model, head):
    """The text of one file: `head` as comment lines, then the model."""
    lines = ["# " + line if line else "#" for line in head]
    _write_map(lines, model, 0)
    return "\n".join(lines) + "\n"


def _is_flow(value, key):
    if isinstance(value, dict):
        return all(isinstance(v, int) for v in value.values())
    if isinstance(value, list):
        return all(isinstance(v, int) for v in value) or key in PLAIN_KEYS
    return False


def _flow(value, key, column):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {v}" for k, v in value.items()) + "}"
    lines, line, used = [], "[", column
    for i, item in enumerate(value):
        word = _scalar(item, key, 0, 0) + ("," if i + 1 < len(value) else "]")
        if used + len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line, used = " " * (column + 1) + word, 0
        else:
            line += word if line == "[" else " " + word
    return "\n".join(lines + [line])


def _write_map(lines, value, indent, first_prefix=None):
    for number, (key, item) in enumerate(value.items()):
        lead = first_prefix if number == 0 and first_prefix is not None else " " * indent
        head = f"{lead}{key}:"
        if isinstance(item, (dict, list)) and not item:
            lines.append(f"{head} " + ("{}" if isinstance(item, dict) else "[]"))
        elif _is_flow(item, key):
            lines.append(f"{head} " + _flow(item, key, len(head) + 1))
        elif isinstance(item, dict):
            lines.append(head)
            _write_map(lines, item, indent + INDENT)
        elif isinstance(item, list):
            lines.append(head)
            _write_list(lines, item, indent + INDENT, key)
        else:
            lines.append(f"{head} " + _scalar(item, key, len(head) + 1, indent + INDENT))


def _write_list(lines, value, indent, key):
    for item in value:
        lead = " " * indent + "- "
        if _is_flow(item, key):
            lines.append(lead + _flow(item, key, len(lead)))
        elif isinstance(item, dict):
            _write_map(lines, item, indent + INDENT, lead)
        else:
            lines.append(lead + _scalar(item, key, len(lead), indent + INDENT))


def _scalar(value, key, column, indent):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"{key}: {value!r} is neither a whole number nor a string")
    if isinstance(value, int):
        return str(value)
    # A test's id is a name; a segment's id is hex and stays quoted.
    if key in PLAIN_KEYS and not (key == "id" and "-" not in value):
        if not PLAIN.match(value) or value.lower() in AMBIGUOUS:
            raise ValueError(f"{key}: {value!r} cannot stand without quotes")
        return value
    return _quoted(value, column, indent)


def _quoted(value, column, indent):
    words = re.findall(r"[^ ]* ?", value) if " " in value else [value]
    tokens = []
    for word in words:
        tokens.extend(_pieces(word))
    lines, line, room = [], '"', WIDTH - column
    for token in tokens:
        if len(line) + len(token) + 1 > room and len(line) > 1:
            lines.append(line + "\\")
            line, room = " " * indent, WIDTH
            # A leading space of a continuation line would be stripped; words keep theirs at the end instead.
            assert not token.startswith(" ")
        line += token
    return "\n".join(lines + [line + '"'])


def _pieces(word):
    """Escaped pieces between which a line may be broken: 64 characters, so a hash stays on one line."""
    escaped = [_escape(c) for c in word]
    return ["".join(escaped[i:i + 64]) for i in range(0, len(escaped), 64)]


def _escape(char):
    code = ord(char)
    if char in '"\\':
        return "\\" + char
    if 0x20 <= code < 0x7F:
        return char
    if code < 0x100:
        return f"\\x{code:02x}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"
