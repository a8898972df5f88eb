# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""XML on the wire: UTF-8, one root element, mapped to and from the internal form by :mod:`.table`.

Nothing a document could make a parser do is done: no document type, no entities, nothing fetched; depth and number of
elements are bounded here, its size by the reader of the request.
"""

import re
from typing import Any
from xml.parsers import expat
from xml.sax import saxutils

from defusedxml import common, ElementTree

from trove.common.http import faults
from trove.common.http.serializers import reading, table

CONTENT_TYPE = 'application/xml'
MEDIA_TYPES = ('application/xml', 'application/vnd.openstack.trove+xml')

#: Elements inside each other in a request.
MAX_DEPTH = 32
#: Elements and attributes of a request: a thousand users with their grants are far below.
MAX_NODES = 100_000

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_INDENT = '    '
_FAULTS = frozenset(faults.NAMES.values()) | {faults.UNEXPECTED}

#: What XML cannot hold, not even escaped.
_IMPOSSIBLE = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*\Z')


# --- out -----------------------------------------------------------------------------------------

def dump(body: dict[str, Any], root: str = '') -> bytes:
    """A body with one wrapper key, or one without.

    :param root: name of the root element of a body without wrapper key.
    """
    name, value = next(iter(body.items()))
    links = body.get('links') if name != 'links' else None
    # The next link under its second name is for clients that read JSON.
    beside = body.keys() - {name, 'links', f'{name}_links'}
    if root or beside:
        name, value, links = root or table.ITEM, body, None
    lines = [_DECLARATION]
    _element(lines, name, value, '', links)
    return '\n'.join([*lines, '']).encode()


def _element(lines: list[str], name: str, value: Any, indent: str, links: Any = None) -> None:
    """:param links: the page's links, last child of the root."""
    opening = f'{indent}<{_tag(name)}'
    if not indent and _has_namespace(name, value):
        opening += f' xmlns="{table.NAMESPACE}"'
    children: list[tuple[str, Any]] = []
    text = ''
    if isinstance(value, dict):
        for key, item in value.items():
            if _is_attribute(name, key, not indent, value) and not isinstance(item, (dict, list)):
                opening += f' {key}={saxutils.quoteattr(_text(item))}'
            else:
                children.append((key, item))
    elif isinstance(value, list):
        children = [(table.item_name(name), item) for item in value]
    else:
        text = saxutils.escape(_text(value), {'\r': '&#13;'})
    if links:
        children.append(('links', links))
    closing = f'</{_tag(name).partition(" ")[0]}>'
    if children:
        lines.append(f'{opening}>')
        for key, item in children:
            _element(lines, key, item, indent + _INDENT)
        lines.append(f'{indent}{closing}')
    else:
        lines.append(f'{opening}>{text}{closing}' if text else f'{opening}/>')


def _has_namespace(name: str, value: Any) -> bool:
    return name not in _FAULTS or (isinstance(value, dict) and 'retryAfter' in value)


def _is_attribute(element: str, key: str, is_root: bool, value: dict[str, Any]) -> bool:
    if not _NAME.match(key):
        return False
    if is_root and element in _FAULTS:
        return key in (table.RATE_FAULT_ATTRIBUTES
                       if 'retryAfter' in value else table.FAULT_ATTRIBUTES)
    return table.is_attribute(element, key)


def _tag(name: str) -> str:
    """The name of an element; a key that cannot be one stands in an attribute."""
    return name if _NAME.match(
        name) else f'{table.ITEM} {table.ITEM_KEY}={saxutils.quoteattr(_text(name))}'


def _text(value: Any) -> str:
    """``True``, ``False``, ``None``, and everything else as its plain text."""
    return _IMPOSSIBLE.sub('\ufffd', str(value))


# --- in ------------------------------------------------------------------------------------------

def load(data: bytes, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """:param schema: JSON schema of the body, which says what the text of each element stands for.

    :raises ValueError: with a sentence for the caller.
    """
    try:
        text = data.decode('utf-8-sig')
    except UnicodeError:
        raise ValueError('The body holds characters that are not valid UTF-8.') from None
    builder = _Builder()
    # The encoding is ours whatever the declaration says, since the text was decoded already.
    parser = ElementTree.DefusedXMLParser(target=builder, encoding='utf-8', forbid_dtd=True,
                                          forbid_entities=True, forbid_external=True)
    try:
        parser.feed(text.encode())
        parser.close()
    except common.DefusedXmlException:
        raise ValueError('The body must not declare a document type or entities, or refer to other documents.') \
            from None
    except (ElementTree.ParseError, expat.ExpatError) as error:
        line = f' (line {error.position[0]})' if hasattr(error, 'position') else ''
        raise ValueError(f'The body is not well-formed XML{line}.') from None
    if builder.root is None:
        raise ValueError('The body is not well-formed XML.')
    return reading.read(builder.root, schema or {})


class _Builder:
    """Makes nodes of what the parser finds, as long as there are not too many."""

    def __init__(self) -> None:
        self.root: reading.Node | None = None
        self._open: list[reading.Node] = []
        self._nodes = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._nodes += 1 + len(attributes)
        if self._nodes > MAX_NODES:
            raise ValueError(f'The body has more than {MAX_NODES} elements and attributes.')
        if len(self._open) >= MAX_DEPTH:
            raise ValueError(f'The elements of the body are nested more than {MAX_DEPTH} deep.')
        # Namespaces are ignored; an attribute of a foreign one (xsi:..., xml:...) is not ours to read.
        node = reading.Node(
            tag.rpartition('}')[2], {
                key: value
                for key, value in attributes.items()
                if not key.startswith('{')
            })
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def close(self) -> None:
        """Nothing is left open: the parser has checked."""
