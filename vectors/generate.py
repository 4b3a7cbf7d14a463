#!/usr/bin/env python3
"""Writes the vector files of this folder. Needs nothing but Python 3.11.

    generate.py               write every file
    generate.py --check       write nothing; exit 1 and name the files that differ
    generate.py --json DIR    write the same vectors as JSON below DIR, with schema.json and SHA256SUMS
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from generator import (  # noqa: E402
    create, cut, derive, hc_messages, info_v1, info_v1_invalid, info_v2, info_v2_invalid, key_file, primitives, rd_invalid,
    rd_messages, read_hash, rr_crypto, rr_invalid, rr_messages, rr_ranges, rtp_client, rtp_headers, rtp_negotiation,
    smb_messages, verify, yaml_writer,
)

BUILDERS = (
    derive, key_file, info_v1, info_v1_invalid, info_v2, info_v2_invalid, create, verify, cut, rr_messages, rr_invalid, rr_crypto,
    rr_ranges, rd_messages, rd_invalid, hc_messages, rtp_headers, rtp_negotiation, rtp_client, smb_messages, read_hash,
)

# What a test is about -> the entries of the catalogue of requirements that it exercises.
REQUIREMENTS = {
    "segments-v1": ["PCCRC-2.1-01"],
    "blocks-v1": ["PCCRC-2.1-02", "PCCRC-2.1-03", "PCCRC-2.2-03"],
    "segments-v2": ["PCCRC-2.1-06"],
    "hmac": ["PCCRC-2.2-02"],
    "hod-v1": ["PCCRC-2.2-03", "PCCRC-2.2-04", "PCCRC-2.3.1.1-08"],
    "hod-v2": ["PCCRC-2.2-14", "PCCRC-2.4.1.2-05"],
    "ks": ["PCCRC-2.2-05", "PCCRC-2.5-01"],
    "kp": ["PCCRC-2.2-06", "PCCRC-2.2-07"],
    "kp-v2": ["PCCRC-2.2-14", "PCCRC-2.4.1.2-06"],
    "id": ["PCCRC-2.2-08"],
    "info-fields": ["PCCRC-2.2-10"],
    "verify-hod": ["PCCRC-2.2-12"],
    "verify-block": ["PCCRC-2.2-13", "PCCRC-4.1.2-01"],
    "verify-segment": ["PCCRC-2.2-13", "PCCRC-4.1.3-01"],
    "v1-byte-order": ["PCCRC-2.3-01"],
    "v1-version": ["PCCRC-2.3-02"],
    "v1-hash": ["PCCRC-2.2-01", "PCCRC-2.3-03"],
    "v1-offset": ["PCCRC-2.3-04"],
    "v1-read-bytes": ["PCCRC-2.3-05"],
    "v1-read-zero": ["PCCRC-2.3-06"],
    "v1-range": ["PCCRC-2.3-07", "PCCRC-2.3-08"],
    "v1-range-many": ["PCCRC-2.3.1.1-04"],
    "v1-range-one": ["PCCRC-2.3.1.1-05"],
    "v1-count": ["PCCRC-2.3-09"],
    "v1-layout": ["PCCRC-2.3-10", "PCCRC-2.3.1.1-01", "PCCRC-2.3.1.2-01"],
    "v1-segment-offset": ["PCCRC-2.3.1.1-02"],
    "v1-segment-full": ["PCCRC-2.3.1.1-03"],
    "v1-segment-length": ["PCCRC-2.3.1.1-06"],
    "v1-block-size": ["PCCRC-2.3.1.1-07"],
    "v1-hod-field": ["PCCRC-2.3.1.1-08"],
    "v1-kp-field": ["PCCRC-2.3.1.1-09"],
    "v1-block-list": ["PCCRC-2.3.1.2-01"],
    "v1-block-count": ["PCCRC-2.3.1.2-02"],
    "v2-byte-order": ["PCCRC-2.4-01"],
    "v2-layout": ["PCCRC-2.4-02", "PCCRC-2.4.1.2-03"],
    "v2-minor": ["PCCRC-2.4-03"],
    "v2-major": ["PCCRC-2.4-04"],
    "v2-hash": ["PCCRC-2.4-05"],
    "v2-start": ["PCCRC-2.4-06"],
    "v2-offset": ["PCCRC-2.4-07"],
    "v2-length": ["PCCRC-2.4-08"],
    "v2-range-end": ["PCCRC-2.4-09"],
    "v2-chunk": ["PCCRC-2.4.1.1-01"],
    "v2-chunk-type": ["PCCRC-2.4.1.1-02"],
    "v2-chunk-length": ["PCCRC-2.4.1.1-03"],
    "v2-not-empty": ["PCCRC-2.4.1.2-01"],
    "v2-order": ["PCCRC-2.4.1.2-02"],
    "v2-segment-length": ["PCCRC-2.4.1.2-04"],
    "passphrase": ["PCCRC-2.5-01", "PCCRC-2.5-04"],
    "key-file": ["PCCRC-2.5-04", "PCCRC-2.5-05", "PCCRC-2.5-06"],
}


def main():
    parser = argparse.ArgumentParser(description="Make or check the vector files.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare only; exit 1 when a file differs")
    what.add_argument("--json", metavar="DIR", type=Path, help="write the same vectors as JSON below DIR")
    args = parser.parse_args()
    if args.json and args.json.exists() and not args.json.is_dir():
        parser.error(f"{args.json} is no folder; expected one, or a name that is free")
    primitives.self_test()
    texts, models = {}, {}
    for builder in BUILDERS:
        file = builder.build()
        name = f"{file.folder}/{file.name}.yaml"
        models[name] = file.model(REQUIREMENTS)
        head = [f"{file.title}. Made by generate.py; edits here are lost.", "Format: README.md, schema.json."]
        texts[name] = yaml_writer.dump(models[name], head)
    problems = conform(models) + parse_back(texts, models) + unknown_requirements(models)
    if args.json:
        texts = as_json(models)
    texts["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(texts.items()))
    if args.check:
        problems += differences(texts)
    elif problems and args.json:
        problems.append(f"nothing was written to {args.json}: only vectors without a problem are given away")
    else:
        problems += put(texts, args.json or HERE)
    report(models)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def as_json(models):
    """The same files as JSON, whole numbers with all their digits, and the schema that holds for both."""
    texts = {name.removesuffix(".yaml") + ".json": json.dumps(model, indent=1, ensure_ascii=False) + "\n"
             for name, model in models.items()}
    texts["schema.json"] = (HERE / "schema.json").read_text(encoding="utf-8")
    return texts


def put(texts, folder):
    """Writes the files, each under another name until it is whole; names those that could not be, and strangers."""
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".draft-", delete=False) as draft:
                try:
                    os.fchmod(draft.fileno(), 0o644)
                    draft.write(text.encode())
                    draft.close()
                    os.replace(draft.name, path)
                except BaseException:
                    os.unlink(draft.name)
                    raise
    except OSError as error:
        return [f"cannot write {path}: {error.strerror}; what stands there is whole, but may be older"]
    strays = {p.relative_to(folder).as_posix() for p in folder.glob("*/*.json")} - set(texts)
    return [f"{folder / name}: made by nobody; expected a folder of these vectors alone" for name in sorted(strays)]


def differences(texts):
    found = []
    for name, text in texts.items():
        path = HERE / name
        if not path.exists():
            found.append(f"{name}: missing")
        elif path.read_bytes() != text.encode():
            found.append(f"{name}: differs from what the generator makes")
    strays = {p.relative_to(HERE).as_posix() for p in HERE.glob("*/*.yaml")} - set(texts)
    return found + [f"{name}: made by nobody" for name in sorted(strays)]


def conform(models):
    """Holds every file against schema.json, when the package for it is at hand."""
    try:
        import jsonschema
    except ImportError:
        print("NOT CHECKED against schema.json: the Python package jsonschema is not installed", file=sys.stderr)
        return []
    schema = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = []
    for name, model in models.items():
        part = {**schema, "oneOf": [], "$ref": f"#/$defs/{model['kind']}_file"}
        del part["oneOf"]
        for error in jsonschema.Draft202012Validator(part).iter_errors(model):
            found.append(f"{name}: {error.json_path}: {error.message[:200]}")
    return found


def parse_back(texts, models):
    """A YAML reader that is not ours must see the model, when one is at hand."""
    try:
        import yaml
    except ImportError:
        print("NOT CHECKED with a YAML reader: the Python package yaml is not installed", file=sys.stderr)
        return []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [f"{name}: reads back as something else" for name, text in texts.items()
            if yaml.load(text, Loader=loader) != models[name]]


def unknown_requirements(models):
    """Every id of a test must be in the catalogue, where the catalogue is."""
    folder = HERE.parent / "conformance" / "requirements"
    if not folder.exists():
        print(f"NOT CHECKED against the catalogue of requirements: {folder} is not there", file=sys.stderr)
        return []
    known = {line.split("id:")[1].strip() for path in sorted(folder.glob("*.yaml"))
             for line in path.read_text(encoding="utf-8").splitlines() if line.strip().startswith("- id:")}
    named = {i for model in models.values() for group in model["groups"] for test in group["tests"] for i in test["requirements"]}
    return [f"{i} is not in the catalogue" for i in sorted(named - known)]


def report(models):
    total = Counter()
    for name, model in models.items():
        counts = Counter(test["expect"]["result"] for group in model["groups"] for test in group["tests"])
        total += counts
        print(f"{name:32} " + "  ".join(f"{counts[r]:3} {r}" for r in ("valid", "quirky", "invalid")))
    print(f"{'all':32} " + "  ".join(f"{total[r]:3} {r}" for r in ("valid", "quirky", "invalid")) + f"  {total.total()} tests")


if __name__ == "__main__":
    sys.exit(main())
