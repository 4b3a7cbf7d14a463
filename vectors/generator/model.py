"""The shape of a vector file: file -> groups -> tests, with the flags a file uses explained once.

Numbers of tests are written down where the test is, so that adding or removing one never renames another.
"""

import re

from .flags import FLAGS


# A topic may be an entry of the catalogue itself.
REQUIREMENT = re.compile(r"[A-Z][A-Z0-9]+-[0-9.]+-[0-9]{2}\Z")


def requirements_of(topic, table):
    return [topic] if REQUIREMENT.match(topic) else table[topic]


class VectorFile:
    def __init__(self, name, kind, title, about, document="MS-PCCRC", folder="pccrc"):
        self.name, self.kind, self.title, self.about = name, kind, title, about
        self.document, self.folder = document, folder
        self.prefix = f"{folder}-{name.replace('_', '-')}"
        self.groups, self.used_flags, self.numbers = [], set(), set()

    def group(self, name, source, **parameters):
        group = Group(self, name, source, parameters)
        self.groups.append(group)
        return group

    def model(self, requirement_ids):
        return {
            "document": self.document,
            "kind": self.kind,
            "about": self.about,
            "notes": {flag: FLAGS[flag] for flag in sorted(self.used_flags)},
            "groups": [group.model(requirement_ids) for group in self.groups],
        }


class Group:
    def __init__(self, file, name, source, parameters):
        self.file, self.name, self.source, self.parameters = file, name, source, parameters
        self.tests = []

    def test(self, number, comment, topics, input, expect, flags=()):
        if number in self.file.numbers:
            raise ValueError(f"{self.file.prefix}: number {number} is used twice")
        self.file.numbers.add(number)
        self.file.used_flags.update(flags)
        self.tests.append((number, comment, topics.split(), sorted(flags), input, expect))

    def model(self, requirement_ids):
        return {
            "name": self.name,
            "source": self.source,
            "parameters": self.parameters,
            "tests": [
                {
                    "id": f"{self.file.prefix}-{number:04d}",
                    "comment": comment,
                    "flags": flags,
                    "requirements": sorted({i for topic in topics for i in requirements_of(topic, requirement_ids)}),
                    "input": input,
                    "expect": expect,
                }
                for number, comment, topics, flags, input, expect in self.tests
            ],
        }
