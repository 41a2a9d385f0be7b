"""Connectors: one file per outside system. Built-in and installed ones come through the same entry point group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from engine.errors import SettingWrong
from engine.ports import Finder, Listener, Notifier, Operation, Projector, Scanner

#: name = type of the connector, object = its class: (name, options) -> Operation, with a table OPTIONS of what it offers
GROUP = "partwell.connectors"


def offered() -> dict[str, Any]:
    """Connector classes by type, in alphabetical order. Raises `SettingWrong` for one that cannot be imported."""
    classes = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        try:
            classes[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            raise SettingWrong(setting=f"{GROUP}.{entry.name}", reason=f"the connector cannot be loaded: {error}") from error
    return classes


def load(config: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """The connectors of a configuration, operations or channels of notices or both: name -> {"type": ..., and its options}.

    Raises `SettingWrong` for an unknown type, a wrong option, or an operation that two connectors offer.
    """
    classes = offered()
    connectors: list[Any] = []
    taken: set[str] = set()
    for name, options in config.items():
        kind = options.get("type")
        if kind not in classes:
            raise SettingWrong(setting=f"connectors.{name}.type", reason=f"it must be one of these: {', '.join(classes)}")
        connector = classes[kind](name, {key: value for key, value in options.items() if key != "type"})
        for operation in connector.names:
            if operation in taken:
                reason = f"another connector offers the same operation: {operation}"
                raise SettingWrong(setting=f"connectors.{name}", reason=reason)
            taken.add(operation)
        connectors.append(connector)
    return connectors


def operations(connectors: Iterable[Any]) -> dict[str, Operation]:
    """By the name of the operation."""
    return {name: connector for connector in connectors for name in connector.names}


def scanner(connectors: Iterable[Any]) -> Scanner | None:
    """The connector that looks for viruses in uploads. Raises `SettingWrong` where there are two."""
    found = [connector for connector in connectors if isinstance(connector, Scanner)]
    if len(found) > 1:
        raise SettingWrong(setting="connectors", reason="only one connector can look for viruses")
    return found[0] if found else None


def notifiers(connectors: Iterable[Any]) -> dict[str, Notifier]:
    """By channel, in the order of the configuration: those that tell people what waits for them."""
    return {connector.channel: connector for connector in connectors if getattr(connector, "channel", "")}


def listeners(connectors: Iterable[Any]) -> dict[str, Listener]:
    """By name, in the order of the configuration: those that are told what happens in cases."""
    return {connector.listener: connector for connector in connectors if getattr(connector, "listener", "")}


def finders(connectors: Iterable[Any]) -> dict[str, Finder]:
    """By name, in the order of the configuration: those that tell what they call people."""
    return {connector.finder: connector for connector in connectors if getattr(connector, "finder", "")}


def projectors(connectors: Iterable[Any]) -> dict[str, Projector]:
    """By name, in the order of the configuration: those whose centre of to-dos is switched on."""
    return {connector.centre: connector for connector in connectors if getattr(connector, "centre", "")}
