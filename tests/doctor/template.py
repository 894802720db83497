"""The managed policy of a CloudFormation template as it is with these parameters, and what its resources are.

template.py FILE NAME=VALUE…: JSON on standard output.
"""
import json
import re
import sys

from ruamel.yaml import YAML

NOTHING = object()
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "111122223333", "AWS::NoValue": NOTHING}


def plain(loader, suffix, node):
    """`!Sub x` as `{"Fn::Sub": "x"}`, as CloudFormation has it."""
    name = suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix
    if node.id == "scalar":
        return {name: node.value}
    build = loader.construct_sequence if node.id == "sequence" else loader.construct_mapping
    return {name: build(node, deep=True)}


def value(node, names, conditions):
    if isinstance(node, list):
        values = [value(item, names, conditions) for item in node]
        return [item for item in values if item is not NOTHING]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        (name, inner), = node.items()
        if name == "Ref":
            return names[inner]
        if name == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], inner)
        if name == "Fn::If":
            return value(inner[1] if conditions(inner[0]) else inner[2], names, conditions)
        if name.startswith("Fn::"):
            raise SystemExit(f"what is {name}?")
    return {key: value(item, names, conditions) for key, item in node.items()}


def holds(node, names, conditions):
    (name, inner), = node.items()
    if name == "Condition":
        return conditions(inner)
    if name == "Fn::Not":
        return not holds(inner[0], names, conditions)
    if name == "Fn::Or":
        return any(holds(item, names, conditions) for item in inner)
    if name == "Fn::Equals":
        left, right = (value(item, names, conditions) for item in inner)
        return left == right
    raise SystemExit(f"what is {name}?")


def main(file, *given):
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_multi_constructor("!", plain)
    template = yaml.load(open(file, encoding="utf-8"))
    names = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    for pair in given:
        name, _, text = pair.partition("=")
        pattern = template["Parameters"][name].get("AllowedPattern", ".*")
        if name not in names or not re.fullmatch(pattern, text):
            raise SystemExit(f"{pair} is not allowed")
        names[name] = text
    names = PSEUDO | names

    def conditions(name):
        return holds(template["Conditions"][name], names, conditions)

    made = {
        name: resource
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or conditions(resource["Condition"])
    }
    groups = [
        {"deletion": resource.get("DeletionPolicy")} | value(resource["Properties"], names, conditions)
        for resource in made.values()
        if resource["Type"] == "AWS::Logs::LogGroup"
    ]
    policy = value(made["Delivery"]["Properties"]["PolicyDocument"], names, conditions)
    json.dump({"groups": groups, "policy": policy}, sys.stdout)


main(*sys.argv[1:])
