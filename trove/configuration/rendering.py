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

"""The base configuration of an engine, rendered from a template and sized by the flavor.

A template is looked for in the operator's ``template_path`` first, then in the package; in each, the most specific one
wins: ``<datastore>/<version name>/``, ``<datastore>/<major>.<minor>/``, ``<datastore>/<major>/``, ``<datastore>/``,
``<manager>/``.
"""

import re
from typing import Any

import jinja2
from oslo_config import cfg

from trove.common import exception
from trove.db import instances

_SAFE = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+-]*')


def base_configuration(conf: cfg.ConfigOpts, row: instances.Row, kind: str = 'config') -> str:
    """The engine's file for an instance.

    :param row: of :func:`trove.db.instances.get`.
    :param kind: config, replica_source.config or replica.config.
    :raises StepFailed: there is no template, or it cannot be rendered.
    """
    return render(conf, kind=kind, datastore=row.datastore_name, version_name=row.version_name,
                  version=row.version_number or row.version_name, manager=row.manager,
                  flavor={'ram': row.ram, 'vcpus': row.vcpus}, server_id=row.server_id_number)


def render(conf: cfg.ConfigOpts, *, kind: str, datastore: str, version_name: str, version: str, manager: str,
           flavor: dict[str, int], server_id: int) -> str:
    """:param flavor: ``ram`` in MB and ``vcpus``."""
    names = candidates(kind, datastore, version_name, version, manager)
    parts = [int(part) for part in re.findall(r'\d+', version)[:3]]
    try:
        template = _environment(conf.template_path).select_template(names)
        return template.render(flavor=flavor, server_id=server_id, datastore={
            'name': datastore, 'manager': manager, 'version': version, 'semantic_version': parts})
    except jinja2.TemplatesNotFound as error:
        raise exception.StepFailed('The datastore has no configuration template; tell the operator.', code='internal',
                                   detail=f'none of {", ".join(names)} in {conf.template_path} or the package',
                                   ) from error
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise exception.StepFailed('The configuration template cannot be rendered; tell the operator.',
                                   code='internal', detail=f'{type(error).__name__}: {error}') from error


def candidates(kind: str, datastore: str, version_name: str, version: str, manager: str) -> list[str]:
    """Template names, the most specific first. Names that are no plain file names are left out."""
    parts = re.findall(r'\d+', version)
    versions = [version_name, version, *('.'.join(parts[:count]) for count in (2, 1) if len(parts) >= count)]
    folders = [f'{datastore}/{known}' for known in versions if _SAFE.fullmatch(known)]
    folders += [datastore, manager]
    return [f'{folder}/{kind}.template' for folder in dict.fromkeys(folders)]


def _environment(path: str) -> jinja2.Environment:
    # Configuration files are no HTML: nothing is escaped.
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(path), jinja2.PackageLoader('trove', 'templates')]),
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    functions: dict[str, Any] = {'min': min, 'max': max}
    environment.globals.update(functions)
    return environment
