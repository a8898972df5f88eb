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

"""The cloud-config that brings a guest its configuration. Pure functions of data."""

import base64
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
import yaml

#: Limit of Nova in bytes, after base64.
MAX_ENCODED = 65535


class UserDataError(ValueError):
    """The operator's cloud-init file cannot be merged, or the result is too long; the text gives
    the reason.
    """


def build(files: Mapping[str, bytes], *, owner: str, extra: str | None = None) -> bytes:
    """Return a cloud-config that writes the files, readable by their owner only.

    :param files: absolute path -> content.
    :param owner: ``user:group``.
    :param extra: the operator's own cloud-config: its files are added, its other keys replace ours.
    :raises UserDataError:
    """
    document: dict[str, Any] = {
        'write_files': [_file(path, files[path], owner) for path in sorted(files)]
    }
    if extra is not None:
        own = _parsed(extra)
        document['write_files'].extend(own.pop('write_files', None) or [])
        document.update(own)
    text = '#cloud-config\n' + yaml.safe_dump(document, sort_keys=False, default_flow_style=False,
                                              width=1 << 20)
    made = text.encode('utf-8')
    if len(base64.b64encode(made)) > MAX_ENCODED:
        raise UserDataError(
            f'user data has {len(made)} bytes; Nova accepts {MAX_ENCODED} in base64')
    return made


def _file(path: str, content: bytes, owner: str) -> dict[str, Any]:
    return {'path': path, 'owner': owner, 'permissions': '0600', 'encoding': 'b64',
            'content': base64.b64encode(content).decode('ascii')}


def _parsed(extra: str) -> dict[str, Any]:
    try:
        own = yaml.safe_load(extra)
    except yaml.YAMLError as error:
        raise UserDataError(f'the cloud-init file is not YAML: {error}') from error
    if own is None:
        return {}
    if not isinstance(own, dict):
        raise UserDataError('the cloud-init file is not a mapping')
    if not isinstance(own.get('write_files') or [], list):
        raise UserDataError('write_files of the cloud-init file is not a list')
    return dict(own)


def ini(sections: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return a file for oslo.config; options with the value None are left out.

    :param sections: section -> option -> value; lists are joined by commas.
    :raises ValueError: a value contains a line break.
    """
    lines = []
    for section, options in sections.items():
        lines.append(f'[{section}]')
        for name, value in options.items():
            if value is None:
                continue
            text = ','.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            if '\n' in text or '\r' in text:
                raise ValueError(f'{name} contains a line break')
            # A dollar sign would reference another option.
            lines.append(f'{name} = {text.replace("$", "$$")}')
        lines.append('')
    return '\n'.join(lines).encode('utf-8')


def guest_files(conf: cfg.ConfigOpts, *, info: Mapping[str, Mapping[str, Any]],
                agent_config: bytes | None) -> dict[str, bytes]:
    """Return path -> content of all files that the agent reads.

    :param info: content of ``guest_info.conf``.
    :param agent_config: the operator's file for all guests, if any.
    """
    location = conf.injected_config_location.rstrip('/')
    path = conf.guest_info if '/' in conf.guest_info else f'{location}/{conf.guest_info}'
    files = {path: ini(info)}
    if agent_config is not None:
        files[f'{location}/trove-guestagent.conf'] = agent_config
    return files
