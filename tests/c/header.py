"""What include/qenex.h declares: constants, structs with their fields, functions with their parameters."""

import re
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "include" / "qenex.h"


class Header:
    """`constants` by name; `structs`: name -> [(field, type, is_array)]; `functions`: name -> (result, [(type, name)])."""

    def __init__(self, text=None):
        text = PATH.read_text() if text is None else text
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        text = re.sub(r"//[^\n]*", "", text)
        self.constants = dict(re.findall(r"^#define (QNX_\w+) (\S+)$", text, flags=re.M))
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        text = text.replace('extern "C" {', "")
        self.structs = {}
        for _, body, name in re.findall(r"typedef (struct|union)(?: \w+)? \{(.*?)\} (\w+);", text, flags=re.S):
            self.structs[name] = [self.field(line) for line in body.split(";") if line.strip()]
        self.aliases = dict((name, kind) for kind, name in re.findall(r"typedef (u?int\w+) (\w+);", text))
        text = re.sub(r"typedef (struct|union)(?: \w+)? \{.*?\} \w+;", "", text, flags=re.S)
        text = re.sub(r"typedef [^;]*;", "", text)
        self.functions = {}
        for declaration in text.split(";"):
            match = re.fullmatch(r"\s*(.*?)(qnx_\w+)\((.*)\)\s*", declaration, flags=re.S)
            if match:
                result, name, parameters = match.groups()
                self.functions[name] = (result.strip(), self.parameters(parameters))

    @staticmethod
    def field(line):
        line = " ".join(line.split())
        callback = re.fullmatch(r".*\(\*(\w+)\)\(.*\)", line)
        if callback:
            return callback[1], "function", False
        kind, star, name, array = re.fullmatch(r"(.*?) ?(\*?)(\w+)((?:\[\w+\])*)", line).groups()
        return name, kind.replace("const ", "") + star, bool(array)

    @staticmethod
    def parameters(text):
        text = " ".join(text.split())
        if text == "void":
            return []
        # A comma within the parameters of a callback does not part parameters.
        parts = re.split(r",(?![^()]*\))", text)
        parsed = []
        for part in parts:
            if "(*" in part:
                parsed.append(("function", re.search(r"\(\*(\w+)\)", part)[1]))
            else:
                kind, name = re.fullmatch(r"\s*(.*?)(\w+)\s*", part).groups()
                parsed.append((kind.strip(), name))
        return parsed
