"""JUEL, the `${…}` of other engines, read as a tree (Jakarta Expression Language 2.2, the part that process diagrams use)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[lLfFdD]?)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[^\W\d][\w$]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!+\-*/%?:.\[\](),]))"
)
_WORDS: Final = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "div": "/"}
_BINDING: Final = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
#: prefixes of functions that Flowable brings along, as in `${vars:equals(x, 1)}`
_SPACES: Final = frozenset(("variables", "vars", "var", "date", "task", "fn", "seq", "collection", "json", "cmmn", "bpmn"))
_DEEPEST: Final = 60


class Unreadable(Exception):
    """The text is no expression of this kind. `args[0]` says why."""


@dataclass(frozen=True)
class Literal:
    value: str | bool | None
    #: the number as written, without its Java suffix
    number: str | None = None


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Property:
    base: Node
    name: str


@dataclass(frozen=True)
class Index:
    base: Node
    index: Node


@dataclass(frozen=True)
class Call:
    #: None for a function
    base: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Unary:
    #: `!`, `-` or `empty`
    sign: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Choice:
    condition: Node
    then: Node
    otherwise: Node


Node = Literal | Name | Property | Index | Call | Unary | Binary | Choice


def parts(text: str) -> list[str | Node]:
    """A text with `${…}` or `#{…}` in it, as plain texts and expressions in turn. Raises Unreadable."""
    found: list[str | Node] = []
    at = 0
    while match := re.compile(r"[$#]\{").search(text, at):
        if match.start() > at:
            found.append(text[at : match.start()])
        end = _closing(text, match.end())
        found.append(parse(text[match.end() : end]))
        at = end + 1
    if at < len(text):
        found.append(text[at:])
    return found


def has_expression(text: str) -> bool:
    """Whether something in the text is to be evaluated."""
    return "${" in text or "#{" in text


def _closing(text: str, at: int) -> int:
    quoted, depth = "", 0
    while at < len(text):
        sign = text[at]
        if quoted:
            if sign == "\\":
                at += 1
            elif sign == quoted:
                quoted = ""
        elif sign in "'\"":
            quoted = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            if not depth:
                return at
            depth -= 1
        at += 1
    raise Unreadable("a closing brace is missing")


def parse(text: str) -> Node:
    """The tree of an expression without its braces. Raises Unreadable."""
    reader = _Reader(list(_tokens(text)))
    node = reader.choice()
    if reader.sign() is not None:
        raise Unreadable(f"this is not expected there: {reader.sign()}")
    return node


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    inner: tuple[Node | None, ...] = ()
    match node:
        case Property(base, _):
            inner = (base,)
        case Index(base, index):
            inner = (base, index)
        case Call(called, _, arguments):
            inner = (called, *arguments)
        case Unary(_, operand):
            inner = (operand,)
        case Binary(_, left, right):
            inner = (left, right)
        case Choice(condition, then, otherwise):
            inner = (condition, then, otherwise)
    for each in inner:
        if each is not None:
            yield from walk(each)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, before = 0, ""
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"this is not expected there: {text[at:].lstrip()[:1]}")
        kind, value = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "name" and value in _WORDS and before not in (".", ":"):
            kind, value = "sign", _WORDS[value]
        elif kind == "name" and value == "mod":
            kind, value = "sign", "%"
        yield kind, value
        at, before = match.end(), value


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def sign(self) -> str | None:
        """The next token's text, None at the end."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, *signs: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in signs:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise Unreadable(f"this is missing: {sign}")

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable("it is nested too deeply")
        node = self.binary(0)
        if self.take("?"):
            then = self.choice()
            self.expect(":")
            node = Choice(node, then, self.choice())
        self.depth -= 1
        return node

    def binary(self, level: int) -> Node:
        if level == len(_BINDING):
            return self.unary()
        node = self.binary(level + 1)
        while sign := self.take(*_BINDING[level]):
            node = Binary(sign, node, self.binary(level + 1))
        return node

    def unary(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable("it is nested too deeply")
        if sign := self.take("!", "-"):
            node: Node = Unary(sign, self.unary())
        elif self.sign() == "empty" and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][1] not in (".", "["):
            self.at += 1
            node = Unary("empty", self.unary())
        else:
            node = self.reached(self.primary())
        self.depth -= 1
        return node

    def reached(self, node: Node) -> Node:
        """What follows a value: `.name`, `.name(…)`, `[…]`."""
        while sign := self.take(".", "["):
            if sign == "[":
                node = Index(node, self.choice())
                self.expect("]")
            else:
                name = self.word()
                node = Call(node, name, self.arguments()) if self.take("(") else Property(node, name)
        return node

    def primary(self) -> Node:
        if self.take("("):
            node = self.choice()
            self.expect(")")
            return node
        if self.at >= len(self.tokens):
            raise Unreadable("it ends too early")
        kind, value = self.tokens[self.at]
        if kind == "number":
            self.at += 1
            return Literal(None, value.rstrip("lLfFdD"))
        if kind == "text":
            self.at += 1
            return Literal(re.sub(r"\\(.)", r"\1", value[1:-1]))
        name = self.word()
        if name in ("true", "false", "null"):
            return Literal({"true": True, "false": False}.get(name))
        if name in _SPACES and self.sign() == ":" and self.at + 2 < len(self.tokens) and self.tokens[self.at + 2][1] == "(":
            self.at += 1
            name = f"{name}:{self.word()}"
        return Call(None, name, self.arguments()) if self.take("(") else Name(name)

    def word(self) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "name":
            self.at += 1
            return self.tokens[self.at - 1][1]
        raise Unreadable(f"this is not expected there: {self.sign()}" if self.sign() else "it ends too early")

    def arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(")"):
            if found:
                self.expect(",")
            found.append(self.choice())
        return tuple(found)
