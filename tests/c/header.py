"""What include/qenex.h declares: constants, structs with their fields, functions with their parameters and their codes."""

import re
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "include" / "qenex.h"
# What every function may return.
COMMON = ["NULL_POINTER", "POINTER_MISALIGNED", "LENGTH_TOO_LARGE", "POINTER_OVERLAP", "NUMBER_UNKNOWN", "STATE_UNINITIALISED"]


class Header:
    """`constants` by name; `structs`: name -> [(field, type, is_array)]; `functions`: name -> (result, [(type, name)])."""

    def __init__(self, text=None):
        text = PATH.read_text() if text is None else text
        documented = re.findall(r"((?:^//[^\n]*\n)+)[^\n(]*?(qnx_\w+)\(", text, flags=re.M)
        self.documents = {name: document.replace("\n//", "") for document, name in documented}
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
        self.callbacks = {}
        for declaration in re.findall(r"typedef [^;]*;", text):
            callback = re.search(r"\(\*(\w+)\)", declaration)
            if callback:
                self.callbacks[callback[1]] = " ".join(declaration.split())
        text = re.sub(r"typedef [^;]*;", "", text)
        self.functions = {}
        for declaration in text.split(";"):
            match = re.fullmatch(r"\s*(.*?)(qnx_\w+)\((.*)\)\s*", declaration, flags=re.S)
            if match:
                result, name, parameters = match.groups()
                self.functions[name] = (result.strip(), self.parameters(parameters))

    def codes(self, function):
        """The numbers that a function may return, by its documentation."""
        _, _, named = self.documents.get(function, "").partition("Codes: ")
        patterns = [word for word in re.findall(r"[A-Z][A-Z_0-9]+\*?", named)] + COMMON
        numbers = {0}
        for constant, value in self.constants.items():
            name = constant.removeprefix("QNX_ERR_")
            if name != constant and any(
                name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern for pattern in patterns
            ):
                numbers.add(int(value))
        span = re.search(r"the numbers (\d+) to (\d+)", named)
        if span:
            numbers |= set(range(int(span[1]), int(span[2]) + 1))
        return numbers

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
