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

"""trove-wsgi: the same application for uWSGI and mod_wsgi, with the threads of the server and without eventlet.

The command line belongs to the server, so the configuration files are named by the environment:

``OS_TROVE_CONFIG_DIR``
    directory of the files below, instead of the usual search path
``OS_TROVE_CONFIG_FILES``
    names separated by semicolons, relative to that directory unless absolute; ``trove.conf`` when there is only a
    directory

Options behind ``--`` of ``trove-wsgi`` itself, and uWSGI's ``pyargv``, are read as those of ``trove-api`` are.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)

from oslo_config import cfg  # noqa: E402

from trove.cmd import rpc_clients  # noqa: E402
from trove.common import cfg as options  # noqa: E402
from trove.common.http import deploy  # noqa: E402

CONF = cfg.CONF

#: First words of command lines whose other words are meant for us; any other server's are its own.
_OUR_COMMAND_LINES = ('trove-wsgi', 'uwsgi')


def init_application() -> Any:
    """The application, made once per process.

    :raises oslo_config.cfg.ConfigFilesNotFoundError: a file the environment names is missing.
    :raises trove.common.rpc.keys.KeyConfigurationError: see :func:`trove.common.http.deploy.application`.
    """
    options.parse([*config_arguments(os.environ), *own_arguments(sys.argv)], program='trove-api')
    application = deploy.application()
    rpc_clients.setup(CONF)
    return application


def config_arguments(environment: Mapping[str, str]) -> list[str]:
    """The configuration files that the environment names, as arguments; none: the usual search path."""
    directory = environment.get('OS_TROVE_CONFIG_DIR', '').strip()
    names = [
        name.strip()
        for name in environment.get('OS_TROVE_CONFIG_FILES', '').split(';')
        if name.strip()
    ]
    if directory and not names:
        names = ['trove.conf']
    return [
        argument for name in names for argument in ('--config-file', os.path.join(directory, name))
    ]


def own_arguments(command_line: Sequence[str]) -> list[str]:
    """What of the process's command line is meant for the application."""
    if not command_line or os.path.basename(command_line[0]) not in _OUR_COMMAND_LINES:
        return []
    return list(command_line[1:])
