"""XML from outside, read without danger: no document type, no entities, no network, a size limit."""

from __future__ import annotations

from lxml import etree

from engine import errors

#: namespaces of what modelers draw and set, as lxml writes them before a tag
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"

#: The largest file that is read, in bytes. The largest diagram of the public reference sets has 0.4 MB.
LARGEST = 2 * 1024 * 1024


def read_xml(content: bytes, file: str) -> etree._Element:
    """The root element of `content`.

    `file` is the name a person knows the file by. Raises `errors.FileRefused` with the line where one is known.
    """
    if len(content) > LARGEST:
        raise errors.FileRefused(file=file, reason=f"it is larger than {LARGEST // 1024 // 1024} MB")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise errors.FileRefused(file=file, reason=f"line {error.lineno} is not well-formed XML ({error.msg})") from None
    except ValueError as error:
        raise errors.FileRefused(file=file, reason=f"it is not XML ({error})") from None
    if root.getroottree().docinfo.doctype:
        line = content[: max(content.find(b"<!DOCTYPE"), 0)].count(b"\n") + 1
        raise errors.FileRefused(file=file, reason=f"line {line} declares a document type (DOCTYPE), which diagrams never need")
    return root
