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

"""Configuration files of engines, rendered from templates for a flavor.

Templates in ``template_path`` override packaged ones at each step from the most to the least
specific path.
"""

import re
from collections.abc import Mapping
from typing import Any

import jinja2
from oslo_config import cfg

from trove.common import exception

#: Kinds of templates of an engine.
CONFIG = 'config'
REPLICA_SOURCE = 'replica_source.config'
REPLICA = 'replica.config'
CLUSTER = 'cluster.config'

#: Line with an option: no blank line, comment or section header.
_OPTION = re.compile(
    r'\s*(?P<name>[A-Za-z][\w.-]*)(?:\s*=\s*|\s+|$)(?P<value>\'[^\']*\'|"[^"]*"|[^#\n]*)')


def candidates(manager: str, version: str, kind: str = CONFIG, *,
               name: str | None = None) -> list[str]:
    """Return the paths of a template, the most specific one first.

    :param version: name of the datastore version, like ``10.11`` or ``10.11.6``.
    :param name: name of the datastore; default: the manager.
    """
    name = name or manager
    numbers = version.split('.')
    folders = [
        f'{name}/{version}', f'{name}/{".".join(numbers[:2])}', f'{name}/{numbers[0]}', name,
        manager
    ]
    return [f'{folder}/{kind}.template' for folder in dict.fromkeys(folders)]


def render(manager: str, version: str, flavor: Mapping[str, Any], server_id: int, *,
           name: str | None = None, kind: str = CONFIG, template_path: str | None = None) -> str:
    """Return the text of a configuration file.

    :param flavor: at least ``ram`` in MB; ``vcpus``.
    :param server_id: stored number of the instance, 1 or more; it never changes.
    :param template_path: directory of the operator's templates; default: the option of that name.
    :raises exception.NotSupported: the template does not exist.
    :raises exception.TroveError: the template is invalid; the detail names the place.
    """
    environment = _environment(cfg.CONF.template_path if template_path is None else template_path)
    datastore = {'name': name or manager, 'manager': manager, 'version': version,
                 'semantic_version': _semantic(version)}
    places = candidates(manager, version, kind, name=name)
    try:
        template = environment.select_template(places)
        return template.render(flavor=dict(flavor), datastore=datastore,
                               server_id=server_id).strip() + '\n'
    except jinja2.TemplatesNotFound:
        raise exception.NotSupported(
            f'There is no {kind} template for datastore {name or manager}.',
            detail=f'looked for {", ".join(places)}') from None
    except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise exception.TroveError(
            'The configuration of the datastore could not be rendered.',
            detail=f'{type(error).__name__} in a template of {manager}: {error}') from error


def _environment(template_path: str) -> jinja2.Environment:
    # No escaping: configuration files are no web pages.
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(template_path or []),
                                    jinja2.PackageLoader('trove', 'templates')]),
        autoescape=False, undefined=jinja2.StrictUndefined)
    environment.globals.update(min=min, max=max)
    return environment


def _semantic(version: str) -> dict[str, int]:
    """Return major, minor and patch of a version name; parts without a number are 0."""
    numbers = [int(part) if part.isdigit() else 0 for part in version.split('.')[:3]]
    return dict(zip(('major', 'minor', 'patch'), numbers + [0, 0, 0]))


def options(text: str) -> dict[str, str]:
    """Return the options of a configuration file (``name = value`` or ``name value``).

    Comments and section headers are skipped. Values of a repeated option are joined by blanks.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        option = _OPTION.match(line)
        if option:
            name, value = option['name'], option['value'].strip()
            if len(value) >= 2 and value[0] == value[-1] and value[0] in '\'"':
                value = value[1:-1]
            found[name] = f'{found[name]} {value}' if name in found else value
    return found
