"""Judges OCSF events, one a line on standard input, by the schema of version 1.5.0 as ocsf-json-schema packs it.

Prints a line for each thing that is wrong. Beyond what JSON Schema can say: no deprecated attribute, no attribute of a
profile that the event does not name, and the word beside an enumerated number is the caption of that number.
"""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

SCHEMA = get_ocsf_schema(version="1.5.0")
GENERATOR = OcsfJsonSchemaEmbedded(SCHEMA)
OTHER = 99


def main():
    validators = {}
    for number, line in enumerate(sys.stdin, 1):
        event = json.loads(line)
        profiles = tuple(event.get("metadata", {}).get("profiles", []))
        if profiles not in validators:
            schema = GENERATOR.get_class_schema(class_name="compliance_finding", profiles=list(profiles))
            validators[profiles] = Draft202012Validator(schema)
        for error in validators[profiles].iter_errors(event):
            print(f"{number}: {error.json_path}: {error.message[:300]}")
        walk(number, "$", event, SCHEMA["classes"]["compliance_finding"]["attributes"], profiles)
        if event.get("type_uid") != event.get("class_uid", 0) * 100 + event.get("activity_id", 0):
            print(f"{number}: $.type_uid: not that of class and activity")


def walk(number, path, value, attributes, profiles):
    for name, inner in value.items():
        known = attributes.get(name)
        if known is None:
            continue  # the schema has refused it already
        here = f"{path}.{name}"
        if "@deprecated" in known:
            print(f"{number}: {here}: deprecated")
        if known.get("profile") and known["profile"] not in profiles:
            print(f"{number}: {here}: belongs to the profile {known['profile']}")
        enum, sibling = known.get("enum"), known.get("sibling")
        if enum and sibling in value and inner != OTHER and str(inner) in enum:
            if value[sibling] != enum[str(inner)]["caption"]:
                print(f"{number}: {path}.{sibling}: {value[sibling]!r} beside {inner}")
        if known.get("object_type") in SCHEMA["objects"]:
            below = SCHEMA["objects"][known["object_type"]]["attributes"]
            for part in inner if isinstance(inner, list) else [inner]:
                if isinstance(part, dict):
                    walk(number, here, part, below, profiles)


main()
