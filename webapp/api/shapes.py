"""What a request may hold: one declaration that reads it, refuses it by field, and describes it to programs (JSON Schema 2020-12)."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Final

from engine.errors import PartwellError
from engine.ports import File

from ..i18n import N_, gettext

#: megabytes of the files that a procedure may hold, as JSON makes them at most
FOLDER = 42
#: the default of what must be sent
NEEDED: Final = object()


class RequestInvalid(PartwellError):
    """The request cannot be used: {reason}."""

    status = 400

    def __init__(self, *, reason: str, field: str = "", at: Sequence[str | int] = (), place: str = "body") -> None:
        #: where the fault lies: `body`, `query` or `header`, and the way to it there
        self.place, self.at = place, tuple(at) or ((field,) if field else ())
        super().__init__(reason=reason)


@dataclass(frozen=True)
class Shape:
    """One value of a body or of a query. What has a default may be left out, or null in a body."""

    says: str = ""
    _: KW_ONLY
    default: Any = NEEDED
    example: Any = None

    #: JSON's name of the type, and how a refusal calls it
    kind: ClassVar[str]
    called: ClassVar[str]
    #: megabytes of a body that holds it; None: as many as an upload may have
    largest: ClassVar[int | None] = 4

    @property
    def needed(self) -> bool:
        return self.default is NEEDED

    def read(self, value: Any, at: tuple[str | int, ...]) -> Any:
        """The value in its type. Raises RequestInvalid."""
        if value is None and not self.needed:
            return self.default
        name = ".".join(map(str, at))
        if value is None:
            raise RequestInvalid(reason=f"“{name}” is missing", at=at)
        if not self.fits(value):
            raise RequestInvalid(reason=f"“{name}” must be {self.called}", at=at)
        return self.checked(value, name, at)

    def fits(self, value: Any) -> bool:
        raise NotImplementedError

    def checked(self, value: Any, name: str, at: tuple[str | int, ...]) -> Any:
        return value

    def described(self) -> dict[str, Any]:
        """The schema, with its text in the language of the reader."""
        found: dict[str, Any] = {"type": self.kind if self.needed else [self.kind, "null"], **self.limits()}
        if "enum" in found and not self.needed:
            found["enum"] = [*found["enum"], None]
        if not self.needed and self.default not in (None, "", {}, []):
            found["default"] = self.default
        if self.says:
            found["description"] = gettext(self.says)
        if self.example is not None:
            found["examples"] = [self.example]
        return found

    def limits(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Text(Shape):
    """A text; `choices` are all it may be, `longest` its most characters."""

    _: KW_ONLY
    choices: tuple[str, ...] = ()
    shortest: int = 0
    longest: int = 0
    format: str = ""

    kind = "string"
    called = "text"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def checked(self, value: str, name: str, at: tuple[str | int, ...]) -> str:
        if "\0" in value or (not value.isascii() and any(0xD800 <= ord(char) < 0xE000 for char in value)):
            raise RequestInvalid(reason=f"“{name}” holds characters that cannot be stored", at=at)
        if self.choices and value not in self.choices:
            raise RequestInvalid(reason=f"“{name}” must be one of: {', '.join(filter(None, self.choices))}", at=at)
        if self.longest and not self.shortest <= len(value) <= self.longest:
            raise RequestInvalid(reason=f"“{name}” must have {self.shortest} to {self.longest} characters", at=at)
        return value

    def limits(self) -> dict[str, Any]:
        said = {"enum": list(self.choices), "minLength": self.shortest, "maxLength": self.longest, "format": self.format}
        return {key: value for key, value in said.items() if value}


@dataclass(frozen=True)
class Whole(Shape):
    """A whole number."""

    _: KW_ONLY
    least: int = 1
    most: int = 1_000_000

    kind = "integer"
    called = "a whole number"

    def fits(self, value: Any) -> bool:
        return type(value) is int

    def checked(self, value: Any, name: str, at: tuple[str | int, ...]) -> Any:
        if not self.least <= value <= self.most:
            raise RequestInvalid(reason=f"“{name}” must be {self.called} from {self.least} to {self.most}", at=at)
        return value

    def limits(self) -> dict[str, Any]:
        return {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Number(Whole):
    """A number."""

    kind = "number"
    called = "a number"

    def fits(self, value: Any) -> bool:
        return type(value) in (int, float)


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    kind = "boolean"
    called = "true or false"

    def fits(self, value: Any) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True)
class Object(Shape):
    """An object of whatever is inside; with `of`, each value of one shape."""

    _: KW_ONLY
    of: Shape | None = None

    kind = "object"
    called = "an object"

    def fits(self, value: Any) -> bool:
        return isinstance(value, dict)

    def checked(self, value: Any, name: str, at: tuple[str | int, ...]) -> Any:
        return {key: self.of.read(inner, (*at, key)) for key, inner in value.items()} if self.of else value

    def limits(self) -> dict[str, Any]:
        return {"additionalProperties": self.of.described()} if self.of else {}


@dataclass(frozen=True)
class Listed(Shape):
    """A list, each of one shape; `Listed(of=Text())` where nothing is said."""

    _: KW_ONLY
    of: Shape = Text()

    kind = "array"
    called = "a list"

    def fits(self, value: Any) -> bool:
        return isinstance(value, list)

    def checked(self, value: Any, name: str, at: tuple[str | int, ...]) -> Any:
        return [self.of.read(inner, (*at, number)) for number, inner in enumerate(value)]

    def limits(self) -> dict[str, Any]:
        return {"items": self.of.described()}


@dataclass(frozen=True)
class Files(Shape):
    """Files by form field: {field: [{name, content (base64), media_type?}]} → {field: [File]}"""

    kind = "object"
    called = "an object"
    largest = None
    _PARTS: ClassVar[Mapping[str, Shape]] = {"name": Text(), "content": Text(), "media_type": Text(default="")}

    def fits(self, value: Any) -> bool:
        return isinstance(value, dict)

    def checked(self, value: Any, name: str, at: tuple[str | int, ...]) -> dict[str, list[File]]:
        return {path: [self._file(one, path) for one in Listed(of=Object()).read(held, (*at, path))] for path, held in value.items()}

    def _file(self, one: Mapping[str, Any], path: str) -> File:
        parts = {name: shape.read(one.get(name), ("files", path, name)) for name, shape in self._PARTS.items()}
        try:
            content = base64.b64decode(parts["content"], validate=True)
        except ValueError:
            raise RequestInvalid(reason=f"the content of a file in “{path}” is not base64", at=("files", path)) from None
        return File(kind=path.rpartition(".")[2][:50], name=parts["name"], media_type=parts["media_type"], content=content)

    def limits(self) -> dict[str, Any]:
        properties = {name: shape.described() for name, shape in self._PARTS.items()}
        properties["content"] |= {"contentEncoding": "base64"}
        one = {"type": "object", "properties": properties, "required": ["name", "content"]}
        return {"additionalProperties": {"type": "array", "items": one}}


@dataclass(frozen=True)
class Contents(Shape):
    """Files of a folder by path: {path: {text} or {base64}} → {path: bytes}"""

    kind = "object"
    called = "an object"
    largest = FOLDER
    _PARTS: ClassVar[Mapping[str, Shape]] = {"text": Text(default=None), "base64": Text(default=None)}

    def fits(self, value: Any) -> bool:
        return isinstance(value, dict)

    def checked(self, value: Any, name: str, at: tuple[str | int, ...]) -> dict[str, bytes]:
        return {Text().read(path, (*at, "")): self._content(held, (*at, path)) for path, held in value.items()}

    def _content(self, held: Any, at: tuple[str | int, ...]) -> bytes:
        given = Object().read(held, at)
        text, coded = (shape.read(given.get(part), (*at, part)) for part, shape in self._PARTS.items())
        if (text is None) == (coded is None):
            raise RequestInvalid(reason=f"“{'.'.join(map(str, at))}” must have either text or base64", at=at)
        if coded is None:
            return bytes(text, "utf-8")
        try:
            return base64.b64decode(coded, validate=True)
        except ValueError:
            raise RequestInvalid(reason=f"the content of “{at[-1]}” is not base64", at=(*at, "base64")) from None

    def limits(self) -> dict[str, Any]:
        properties = {part: shape.described() for part, shape in self._PARTS.items()}
        properties["base64"] |= {"contentEncoding": "base64"}
        return {
            "additionalProperties": {"type": "object", "properties": properties, "anyOf": [{"required": [part]} for part in properties]}
        }


@dataclass(frozen=True)
class Moment(Shape):
    """A time with offset → `datetime`"""

    kind = "string"
    called = "text"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def checked(self, value: str, name: str, at: tuple[str | int, ...]) -> dt.datetime:
        try:
            found = dt.datetime.fromisoformat(value)
        except ValueError:
            found = dt.datetime.min
        if found.tzinfo is None or not dt.MINYEAR < found.year < dt.MAXYEAR:
            raise RequestInvalid(reason=f"“{name}” must be a time with offset, such as 2026-11-25T09:00:00+08:00", at=at)
        return found

    def limits(self) -> dict[str, Any]:
        return {"format": "date-time"}


@dataclass(frozen=True)
class Day(Shape):
    """A day → `date`; of this or the neighbouring centuries, so that it can be reckoned with"""

    kind = "string"
    called = "text"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def checked(self, value: str, name: str, at: tuple[str | int, ...]) -> dt.date:
        try:
            found = dt.date.fromisoformat(value)
        except ValueError:
            found = dt.date.min
        if not 1900 <= found.year < 2200:
            raise RequestInvalid(reason=f"“{name}” must be a day such as 2027-01-01", at=at)
        return found

    def limits(self) -> dict[str, Any]:
        return {"format": "date"}


#: why somebody does what they do
REASON = Text(N_("Why; kept with what is done"), example="材料不全")
