"""Checks that the workspaces under tests/ use the same versions of shared dependencies as the project itself.

Usage: locks.py LOCK OTHER-LOCK...
"""

import re
import sys
from pathlib import Path


def versions(path):
    """Each package of a lock file with its versions from a registry."""
    found = {}
    for block in Path(path).read_text().split("[[package]]")[1:]:
        name, version = (re.search(rf'^{field} = "(.*)"', block, re.M)[1] for field in ("name", "version"))
        if "source = " in block:
            found.setdefault(name, set()).add(version)
    return found


def series(version):
    """What is compatible with a version: all that agree with it up to the first number that is not zero."""
    major, minor, *_ = version.split(".")
    return (major,) if major != "0" else (major, minor)


root = versions(sys.argv[1])
failed = False
for path in sys.argv[2:]:
    for name, used in versions(path).items():
        for version in used:
            ours = {other for other in root.get(name, ()) if series(other) == series(version)}
            if ours and version not in ours:
                failed = True
                print(f"{path}: {name} {version}, the project has {', '.join(ours)}")
sys.exit(failed)
