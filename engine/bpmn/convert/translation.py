"""From the tree of a JUEL expression to FEEL text of the same meaning, and which variables it reads.

A bare `x` or `!x` stays a question of true or false: `x = true`, `x != true`. What has no counterpart raises `Untranslatable`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from .juel import Binary, Call, Choice, Index, Literal, Name, Node, Property, Unary, parse, parts

#: words that FEEL keeps for itself, and names that the engine keeps for itself
_KEPT = frozenset(
    """
    function in for external between instance then if else and or some every satisfies return not true false null
    subject case item
    """.split()  # noqa: SIM905
)
_COUNTERS = {
    "nrOfInstances": "numberOfInstances",
    "nrOfCompletedInstances": "numberOfCompletedInstances",
    "nrOfActiveInstances": "numberOfActiveInstances",
    "nrOfTerminatedInstances": "numberOfTerminatedInstances",
}
_SIGNS = {"==": "=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "+": "+", "-": "-", "*": "*", "/": "/"}
_LOGIC = {"&&": "and", "||": "or"}
_COMPARISONS = {"equals": "==", "eq": "==", "notEquals": "!=", "ne": "!=", "lowerThan": "<", "lessThan": "<", "lt": "<",
                "lowerThanOrEquals": "<=", "lessThanOrEquals": "<=", "lte": "<=", "greaterThan": ">", "gt": ">",
                "greaterThanOrEquals": ">=", "gte": ">="}  # fmt: skip
#: objects of the other engine that hold the case's variables
_HOLDERS = frozenset(("execution", "variables", "vars", "var", "task", "delegateExecution"))
#: functions that read one of them
_READS = frozenset(("variables:get", "vars:get", "var:get", "variables:getOrDefault", "vars:getOrDefault", "var:getOrDefault"))
#: methods that give the object itself back, once values are JSON
_SAME = frozenset(("toDate", "stringValue", "numberValue", "boolValue", "value", "getValue", "booleanValue", "intValue", "longValue",
                   "doubleValue", "toList", "stream", "elements"))  # fmt: skip
_ONE = {"toLowerCase": "lower case", "toUpperCase": "upper case", "trim": "trim", "toString": "string", "length": "string length"}
_TWO = {"startsWith": "starts with", "endsWith": "ends with", "matches": "matches"}
_SPANS = {"Years": "P{}Y", "Months": "P{}M", "Days": "P{}D", "Hours": "PT{}H", "Minutes": "PT{}M", "Seconds": "PT{}S"}


class Untranslatable(Exception):
    """FEEL has nothing of the kind. `args[0]` says what."""


@dataclass
class Use:
    """How an expression reads a variable: what can be told of its type."""

    #: `boolean`, `number`, `text`, `list` or `any`
    kind: str = "any"
    #: the texts it is compared with
    values: list[str] = field(default_factory=list)

    def also(self, other: Use) -> None:
        """Together with another use of the same variable."""
        if self.kind == "any":
            self.kind = other.kind
        self.values += [value for value in other.values if value not in self.values]


@dataclass(frozen=True)
class Feel:
    """A translated expression, without the leading "="."""

    text: str
    #: by dotted name
    uses: dict[str, Use]


def name(text: str) -> str:
    """A variable's name as FEEL and the engine take it."""
    plain = re.sub(r"\W", "_", text.strip())
    plain = f"v{plain}" if not plain or not (plain[0].isalpha()) else plain
    return f"{plain}_" if plain in _KEPT else plain


def quoted(text: str) -> str:
    """A text as FEEL writes it."""
    return json.dumps(text, ensure_ascii=False)


def condition(node: Node, initiators: frozenset[str] = frozenset()) -> Feel:
    """An expression that must be true or false. Raises Untranslatable."""
    writer = _Writer(initiators)
    return Feel(_bare(writer.truth(node)), writer.uses)


def value(node: Node, initiators: frozenset[str] = frozenset(), *, programs: bool = False) -> Feel:
    """An expression whose value is wanted; `programs`: `x.getY()` is a call and no part of a value. Raises Untranslatable."""
    writer = _Writer(initiators, programs)
    return Feel(_bare(writer.value(node)), writer.uses)


def whole(text: str, initiators: frozenset[str] = frozenset(), *, true_or_false: bool = False) -> Feel:
    """A text with one expression, or several among plain text, which are strung together. Raises Unreadable, Untranslatable."""
    given = parts(text.strip())
    if len(given) == 1 and not isinstance(given[0], str):
        return condition(given[0], initiators) if true_or_false else value(given[0], initiators)
    written, uses = [], dict[str, Use]()
    for part in given:
        if isinstance(part, str):
            written.append(quoted(part))
        else:
            feel = value(part, initiators)
            uses.update(feel.uses)
            written.append(f"string({feel.text})")
    return Feel(" + ".join(written), uses)


def plain(text: str, initiators: frozenset[str] = frozenset()) -> Feel:
    """An expression without braces, as a simple line of a script. Raises Unreadable, Untranslatable."""
    return value(parse(text), initiators)


def _bare(text: str) -> str:
    """Without brackets around the whole."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth, quote = 0, False
    for at, sign in enumerate(text):
        quote ^= sign == '"' and text[at - 1] != "\\"
        depth += 0 if quote else (sign == "(") - (sign == ")")
        if not depth and at < len(text) - 1:
            return text
    return text[1:-1]


class _Writer:
    def __init__(self, initiators: frozenset[str], programs: bool = False) -> None:
        self.initiators = initiators
        #: whether `x.getY()` calls a program, and does not read the part y of a value
        self.programs = programs
        self.uses: dict[str, Use] = {}

    # --- true or false

    def truth(self, node: Node) -> str:
        match node:
            case Literal(True) | Literal(False):
                return "true" if node.value else "false"
            case Literal("true") | Literal("false"):
                return str(node.value)
            case Binary("&&" | "||" as sign, left, right):
                return f"({self.truth(left)} {_LOGIC[sign]} {self.truth(right)})"
            case Unary("!", operand):
                return f"({self.value(operand)} != true)" if self._open(operand, "boolean") else f"not({_bare(self.truth(operand))})"
            case Choice(asked, then, otherwise):
                return f"(if {self.truth(asked)} then {self.truth(then)} else {self.truth(otherwise)})"
        if self._gives_truth(node):
            return self.value(node)
        self._open(node, "boolean")
        return f"({self.value(node)} = true)"

    def _gives_truth(self, node: Node) -> bool:
        match node:
            case Binary(sign, _, _):
                return sign in ("==", "!=", "<", ">", "<=", ">=")
            case Unary(sign, _):
                return sign == "empty"
            case Call(_, called, _):
                short = called.rpartition(":")[2]
                return short in _COMPARISONS or short in _TWO or short in (
                    "isEmpty", "isNotEmpty", "contains", "hasVariable", "exists", "equalsIgnoreCase", "containsKey"
                )  # fmt: skip
        return False

    def _open(self, node: Node, kind: str, *values: str) -> bool:
        """Notes how a variable is used; False when the node is none."""
        path = self.path(node)
        if path is None:
            return False
        self.uses.setdefault(path, Use()).also(Use(kind, list(values)))
        return True

    # --- any value

    def value(self, node: Node) -> str:
        path = self.path(node)
        if path is not None:
            self.uses.setdefault(path, Use())
            return path
        match node:
            case Literal(given, number):
                return number or ("null" if given is None else quoted(given) if isinstance(given, str) else str(given).lower())
            case Name(known):
                return self._given(known)
            case Property(Name("execution" | "task"), inner):
                return self._of_execution(inner)
            case Property(base, "singleEntry"):
                return f"get entries({self.value(base)}[1])[1].value"
            case Property(base, "singleResult" | "firstResult"):
                return f"{self.value(base)}[1]"
            case Property(base, inner):
                return f"{self.value(base)}.{name(inner)}"
            case Index(base, index):
                return self._item(base, index)
            case Unary("-", operand):
                self._open(operand, "number")
                return f"-({self.value(operand)})"
            case Unary("empty", operand):
                return self._empty(operand)
            case Unary() | Choice() if isinstance(node, Unary):
                return self.truth(node)
            case Choice(asked, then, otherwise):
                return f"(if {_bare(self.truth(asked))} then {self.value(then)} else {self.value(otherwise)})"
            case Binary(sign, left, right):
                return self._binary(sign, left, right)
            case Call(base, called, arguments):
                return self._function(called, arguments) if base is None else self._method(base, called, arguments)
        raise Untranslatable("it is of an unknown form")  # pragma: no cover - every kind of node is above

    def path(self, node: Node) -> str | None:
        """The dotted name of a variable, or None for anything else."""
        match node:
            case Name(given) if given not in self.initiators and given not in _COUNTERS and given not in _OTHERS:
                return name(given)
            case Property(base, inner) if inner not in ("singleEntry", "singleResult", "firstResult"):
                path = self.path(base)
                return None if path is None else f"{path}.{name(inner)}"
            case Index(base, Literal(str(key), None)) if key:
                path = self.path(base)
                return None if path is None else f"{path}.{name(key)}"
            case Call(Name(holder), "getVariable" | "get" | "getVariableLocal" | "getVariableTyped", (Literal(str(key), None),)):
                return name(key) if holder in _HOLDERS else None
            case Call(None, called, (Literal(str(key), None),)) if called in _READS:
                return name(key)
            case Call(None, called, (Name(key),)) if called in _READS:
                return name(key)
        return None

    def _given(self, known: str) -> str:
        if known in self.initiators:
            return "initiator.id"
        if known in _COUNTERS:
            return _COUNTERS[known]
        if known == "loopCounter":
            return "(loopCounter - 1)"
        if known == "now":
            return "now()"
        raise Untranslatable(f"it reads an object of the other engine: {known}")

    def _of_execution(self, inner: str) -> str:
        if inner in ("processBusinessKey", "businessKey", "processInstanceBusinessKey", "processInstanceId"):
            return "case.number"
        raise Untranslatable(f"it reads an object of the other engine: execution.{inner}")

    def _item(self, base: Node, index: Node) -> str:
        self._open(base, "list")
        if isinstance(index, Literal) and index.number is not None:
            return f"{self.value(base)}[{int(float(index.number)) + 1}]"
        return f"{self.value(base)}[{self.value(index)} + 1]"

    def _empty(self, operand: Node) -> str:
        text = self.value(operand)
        return f'(if {text} = null then true else if {text} instance of string then {text} = "" else count({text}) = 0)'

    def _binary(self, sign: str, left: Node, right: Node) -> str:
        if sign in _LOGIC:
            return self.truth(Binary(sign, left, right))
        for one, other in ((left, right), (right, left)):
            match other:
                case Literal(bool()):
                    self._open(one, "boolean")
                case Literal(str(text), None):
                    self._open(one, "text", text)
                case Literal(None, str()):
                    self._open(one, "number")
            if sign not in ("==", "!=", "+") and not (isinstance(other, Literal) and other.number is None):
                self._open(one, "number")
        if sign == "%":
            return f"modulo({self.value(left)}, {self.value(right)})"
        return f"({self.value(left)} {_SIGNS[sign]} {self.value(right)})"

    def _function(self, called: str, arguments: tuple[Node, ...]) -> str:
        space, _, short = called.rpartition(":")
        if not space and called in ("dateTime", "now") and not arguments:
            return "now()"
        if space == "date" or (not space and called.startswith("fn_")):
            return self._date_function(short.removeprefix("fn_"), arguments)
        if not space and called in ("S", "JSON") and len(arguments) == 1:
            return self.value(arguments[0])
        if space and arguments:
            first, *others = arguments
            if isinstance(first, Literal) and isinstance(first.value, str):
                first = Name(first.value)
            if short in _COMPARISONS and len(others) == 1:
                return self._binary(_COMPARISONS[short], first, others[0])
            if short == "getOrDefault" and len(others) == 1:
                return f"(if {self.value(first)} = null then {self.value(others[0])} else {self.value(first)})"
            if short in ("isEmpty", "isNotEmpty", "exists") and not others:
                return self._asked(short, first)
            if short in ("contains", "containsAny") and others:
                found = [f"list contains({self.value(first)}, {self.value(each)})" for each in others]
                return f"({(' or ' if short == 'containsAny' else ' and ').join(found)})"
        raise Untranslatable(f"it calls a program of the other engine: {called}")

    def _date_function(self, short: str, arguments: tuple[Node, ...]) -> str:
        """Flowable's functions of dates: `fn_addDate(day, years, months, days)`, newer `date:addDate`, and the like."""
        match short, arguments:
            case ("now", ()):
                return "today()"
            case (("date" | "toDate"), (day,)):
                return self._date(day)
            case (("addDate" | "subtractDate"), (day, *spans)) if len(spans) == 3:
                sign = "+" if short == "addDate" else "-"
                moved = [self._date(day)]
                for span, by in zip(("P1Y", "P1M", "P1D"), spans, strict=True):
                    count = by.value if isinstance(by, Literal) and isinstance(by.value, str) else self.value(by)
                    if count != "0":
                        moved.append(f"duration({quoted(span)}) * {count}")
                return f"({f' {sign} '.join(moved)})" if len(moved) > 1 else moved[0]
        raise Untranslatable(f"it calls a program of the other engine: {short}")

    def _date(self, day: Node) -> str:
        already = isinstance(day, Call) and day.name.startswith(("fn_", "date:"))
        return self.value(day) if already else f"date({self.value(day)})"

    def _asked(self, short: str, first: Node) -> str:
        if short == "exists":
            return f"is defined({self.value(first)})"
        return self._empty(first) if short == "isEmpty" else f"not({self._empty(first)})"

    def _method(self, base: Node, called: str, arguments: tuple[Node, ...]) -> str:
        if isinstance(base, Name) and base.name in _HOLDERS:
            match called, arguments:
                case (("hasVariable" | "containsKey"), (Literal(str(key), None),)):
                    return f"is defined({name(key)})"
                case (("getProcessBusinessKey" | "getBusinessKey" | "getProcessInstanceId"), ()):
                    return "case.number"
            raise Untranslatable(f"it reads an object of the other engine: {base.name}.{called}")
        if isinstance(base, Name) and base.name in ("LocalDate", "LocalDateTime", "DateTime") and called == "now":
            return "today()" if base.name == "LocalDate" else "now()"
        moved = re.fullmatch(r"(plus|minus)(\w+)", called)
        if moved and len(arguments) == 1:
            if moved[2] == "Weeks":  # FEEL knows no weeks
                return self._moved(base, moved[1], _SPANS["Days"], Binary("*", Literal(None, "7"), arguments[0]))
            if moved[2] in _SPANS:
                return self._moved(base, moved[1], _SPANS[moved[2]], arguments[0])
        match called, arguments:
            case ("equals", (other,)):
                return self._binary("==", base, other)
            case ("equalsIgnoreCase", (other,)):
                self._open(base, "text")
                return f"(lower case({self.value(base)}) = lower case({self.value(other)}))"
            case ("concat", (other,)):
                return f"({self.value(base)} + {self.value(other)})"
            case ("isEmpty", ()):
                return self._empty(base)
            case ("size", ()):
                self._open(base, "list")
                return f"count({self.value(base)})"
            case ("contains", (other,)):
                text, sought = self.value(base), self.value(other)
                return f"(if {text} instance of string then contains({text}, {sought}) else list contains({text}, {sought}))"
            case (("get" | "prop" | "jsonPath"), (Literal(str(key), None),)) if called != "jsonPath":
                return f"{self.value(base)}.{name(key)}"
            case ("get", (index,)):
                return self._item(base, index)
            case (("getSingleEntry" | "getFirstEntry"), ()):
                return f"get entries({self.value(base)}[1])[1].value"
            case (("getSingleResult" | "getFirstResult"), ()):
                return f"{self.value(base)}[1]"
            case ("collectEntries", (Literal(str(key), None),)):
                return f"{self.value(base)}.{name(key)}"
        if called in _SAME and not arguments:
            return self.value(base)
        if called in _ONE and not arguments:
            return f"{_ONE[called]}({self.value(base)})"
        if called in _TWO and len(arguments) == 1:
            self._open(base, "text")
            return f"{_TWO[called]}({self.value(base)}, {self.value(arguments[0])})"
        getter = re.fullmatch(r"(?:get|is)([A-Z]\w*)", called)
        if getter and not arguments and not self.programs and self.path(base) is not None:
            path = f"{self.path(base)}.{name(getter[1][0].lower() + getter[1][1:])}"
            self.uses.setdefault(path, Use("boolean" if called.startswith("is") else "any"))
            return path
        raise Untranslatable(f"it calls a program of the other engine: {called}")

    def _moved(self, base: Node, way: str, span: str, by: Node) -> str:
        match by:
            case Literal(None, str(number)):
                length = quoted(span.format(number))
            case Binary("*", Literal(None, str(days)), Literal(None, str(weeks))):
                length = quoted(span.format(int(days) * int(weeks)))
            case _:
                before, after = span.split("{}")
                length = f"{quoted(before)} + string({self.value(by)}) + {quoted(after)}"
        text = self.value(base)
        if self.path(base) is not None:  # a date of a case is a text
            text = f"(if string length(string({text})) > 10 then date and time({text}) else date({text}))"
        return f"({text} {'+' if way == 'plus' else '-'} duration({length}))"


#: what other engines put beside the variables
_OTHERS = frozenset(
    ("execution", "task", "authenticatedUserId", "currentUser", "loopCounter", "now", "connector", "caseExecution", "delegateExecution")
)
