"""Prints what the steps and jobs in files of a CI run, as one script each that ends in a line of its own."""

import sys

from ruamel.yaml import YAML


def blocks(node):
    if isinstance(node, list):
        for child in node:
            yield from blocks(child)
    if isinstance(node, dict):
        for key, child in node.items():
            if key == "run":
                yield child
            elif key in ("script", "before_script", "after_script"):
                # GitLab runs the lines of a job one after the other, in one shell.
                yield "\n".join(child)
            else:
                yield from blocks(child)


for name in sys.argv[1:]:
    with open(name) as file:
        for block in blocks(YAML(typ="safe").load(file)):
            print(f"{block.rstrip()}\n#-- end --")
