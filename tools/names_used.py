"""Which names a file uses, and in which form: definitions, identifiers, routes, tables, code spans and prose."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from names_table import Use

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHORT = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")
ROUTE = re.compile(r"/[A-Za-z0-9_{}./:-]*")
QUOTED_ROUTE = re.compile(r"""["'`(](/[A-Za-z0-9_{}./: -]*)""")
KEY = re.compile(r"""^\s*(?:- )?"?([\w./{}-]+)"?\s*[:=]\s*["']?([\w-]*)["']?,?\s*$""")
CODE_SPAN = re.compile(r"`([^`]+)`")
DOTTED = re.compile(r"\banju_\w+(?:\.\w+)+")
PROSE = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
MARKUP = {".html", ".js", ".css", ".svg"}
DATA = {".yaml", ".yml", ".toml", ".json", ".conf"}


def find_uses(root: Path, path: str) -> Iterator[Use]:
    """Every use of a name in one file; nothing where the file is of no kind that holds names."""
    suffix = PurePosixPath(path).suffix
    if suffix == ".py" or (not suffix and b"python" in (root / path).read_bytes().partition(b"\n")[0]):
        yield from _name_the_file(path)
        yield from _read_python(path, (root / path).read_text(encoding="utf-8"))
    elif suffix in MARKUP | DATA | {".md", ".po"}:
        if suffix == ".html":
            yield from _name_the_file(path)
        lines = (root / path).read_text(encoding="utf-8").splitlines()
        read = _read_markup if suffix in MARKUP else _read_data if suffix in DATA else None
        if suffix == ".md":
            yield from _read_document(path, lines)
        elif suffix == ".po":
            yield from _read_translations(path, lines)
        elif read:
            for number, line in enumerate(lines, 1):
                yield from (Use(path, number, form, text) for form, text in read(line))


def _name_the_file(path: str) -> Iterator[Use]:
    parts = PurePosixPath(path).with_suffix("").parts
    for part in parts:
        yield Use(path, 1, "module", part.removeprefix("test_"))
    dotted = [part for part in parts if part != "__init__"]
    for start, part in enumerate(dotted):
        if part.startswith("anju_"):
            for end in range(start + 2, len(dotted) + 1):
                yield Use(path, 1, "path", ".".join(dotted[start:end]))
            return


def _read_python(path: str, text: str) -> Iterator[Use]:
    tree = ast.parse(text)
    documented = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):
        for line, form, name in _of_node(node, documented):
            yield Use(path, line, form, name)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def _of_node(node: ast.AST, documented: set[int]) -> Iterator[tuple[int, str, str]]:
    match node:
        case ast.ClassDef():
            yield node.lineno, "class", node.name
            yield from _of_table(node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.lineno, "function", node.name
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield node.lineno, "identifier", name
        case ast.keyword(arg=str(name)):
            yield node.value.lineno, "identifier", name
        case ast.Constant(value=str(text)) if id(node) in documented:
            yield from _of_docstring(node.lineno, text)
        case ast.Constant(value=str(text)):
            yield from ((node.lineno, form, name) for form, name in _of_string(text))


def _of_docstring(line: int, text: str) -> Iterator[tuple[int, str, str]]:
    for offset, words in enumerate(text.splitlines()):
        yield from ((line + offset, "prose", word.lower()) for word in _phrases(CODE_SPAN.sub(" ", words)))


def _of_table(node: ast.ClassDef) -> Iterator[tuple[int, str, str]]:
    named = [
        row.value.value
        for row in node.body
        if isinstance(row, ast.Assign)
        and isinstance(row.targets[0], ast.Name)
        and row.targets[0].id == "__tablename__"
        and isinstance(row.value, ast.Constant)
    ]
    if not named:
        return
    yield node.lineno, "table", str(named[0])
    for row in node.body:
        if isinstance(row, ast.AnnAssign) and isinstance(row.target, ast.Name):
            yield row.lineno, "table", row.target.id


def _of_string(text: str) -> Iterator[tuple[str, str]]:
    if ROUTE.fullmatch(text):
        yield from (("url", part) for part in text.split("/") if part and "{" not in part)
    elif SHORT.fullmatch(text):
        yield "string", text.lstrip("-")


def _read_markup(line: str) -> Iterator[tuple[str, str]]:
    yield from (("markup", name) for name in IDENTIFIER.findall(line))
    for route in QUOTED_ROUTE.findall(line):
        yield from (("url", part) for part in route.split("/") if part and "{" not in part)


def _read_data(line: str) -> Iterator[tuple[str, str]]:
    found = KEY.match(line) or re.match(r'\s*"([^"]+)": [{\[]', line)
    for text in found.groups() if found else ():
        if text.startswith("/"):
            yield from (("url", part) for part in text.split("/") if part and "{" not in part)
        elif text:
            yield "string", text


def _read_document(path: str, lines: list[str]) -> Iterator[Use]:
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        for span in [line] if fenced else CODE_SPAN.findall(line):
            yield from (Use(path, number, form, text) for form, text in _of_span(span))
        if not fenced:
            told = re.sub(r"\]\([^)]*\)", "]", CODE_SPAN.sub(" ", line))
            yield from (Use(path, number, "prose", word.lower()) for word in _phrases(told))


def _of_span(span: str) -> Iterator[tuple[str, str]]:
    for found in IDENTIFIER.finditer(span):
        before, after = span[: found.start()][-1:], span[found.end() :][:1]
        yield ("call" if before == "." or after == "(" else "code"), found[0]
        if before == "/":
            yield "url", found[0]
        if (before == "/" and after == "/") or span[found.end() :].startswith((".py", ".html")):
            yield "module", found[0]
    for dotted in DOTTED.findall(span):
        parts = dotted.split(".")
        yield from (("path", ".".join(parts[:end])) for end in range(2, len(parts) + 1))


def _read_translations(path: str, lines: list[str]) -> Iterator[Use]:
    translated = False
    for number, line in enumerate(lines, 1):
        if line.startswith("msg"):
            translated = line.startswith("msgstr")
        if translated:
            yield from (Use(path, number, "prose", word.lower()) for word in _phrases(line))


def _phrases(text: str) -> Iterator[str]:
    """Words of running text, and pairs of neighbouring words."""
    words = PROSE.findall(text)
    yield from words
    yield from (f"{first} {second}" for first, second in itertools.pairwise(words))
