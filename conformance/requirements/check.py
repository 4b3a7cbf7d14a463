"""Holds the catalogue against schema.json and against the rules of README.md.

Every id is unique and agrees with its file and section; every id named in a conflict exists; lines fit.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import yaml

HERE = Path(__file__).parent
LONGEST_LINE = 110
ID = re.compile(r"(?P<prefix>[A-Z0-9]+)-(?P<section>[0-9.]+)-(?P<number>\d\d)")
QUIRK_ROW = re.compile(r"^\| `((?:v1|v2|rr|rd|hc|rtp|smb)-[a-z0-9-]+)` \|", re.MULTILINE)


class NoRepeatedKeys(yaml.SafeLoader):
    """YAML lets a later key win over an earlier one; here it is an error."""


def mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key, times in Counter(keys).items():
        if times > 1:
            raise yaml.YAMLError(f"{node.start_mark}: key {key!r} stands {times} times")
    return loader.construct_mapping(node, deep=True)


NoRepeatedKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def faults_of(path, schema, seen):
    """Yields the faults of one file and notes its ids in `seen`."""
    source = path.read_text(encoding="utf-8")
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            yield f"line {number} has {len(line)} columns"
    data = yaml.load(source, Loader=NoRepeatedKeys)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(data):
        yield f"{error.json_path}: {error.message}"
    for entry in data["requirements"]:
        name = ID.fullmatch(entry["id"])
        if entry["id"] in seen:
            yield f"{entry['id']} is used twice"
        if name and (name["prefix"], name["section"]) != (data["prefix"], entry["section"]):
            yield f"{entry['id']} disagrees with its file or with section {entry['section']}"
        seen[entry["id"]] = entry


def main():
    schema = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
    seen, faults = {}, []
    for path in sorted(HERE.glob("*.yaml")):
        if path.name == "exempt.yaml":
            continue
        before = len(seen)
        faults += [f"{path.name}: {fault}" for fault in faults_of(path, schema, seen)]
        levels = Counter(entry["level"] for entry in list(seen.values())[before:])
        print(path.name, sum(levels.values()), dict(sorted(levels.items())))
    for entry in seen.values():
        for conflict in entry.get("conflicts", []):
            if ID.fullmatch(conflict["with"]) and conflict["with"] not in seen:
                faults.append(f"{entry['id']}: conflict with unknown {conflict['with']}")
    known = set(schema["$defs"]["quirk"]["enum"])
    used = {quirk for entry in seen.values() for quirk in entry.get("quirks", [])}
    told = set(QUIRK_ROW.findall((HERE / "README.md").read_text(encoding="utf-8")))
    faults += [f"quirk {quirk} is in the schema and nowhere used" for quirk in sorted(known - used)]
    faults += [f"quirk {quirk} is not told in README.md" for quirk in sorted(known ^ told)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(len(seen), "requirements,", len(faults), "faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
