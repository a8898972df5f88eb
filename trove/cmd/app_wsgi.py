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

"""trove-wsgi: the API for uWSGI and mod_wsgi, with the threads of the server, without eventlet.

The command line belongs to the server, so the environment names the configuration files:

``OS_TROVE_CONFIG_DIR``
    directory of the files below, instead of the usual search path
``OS_TROVE_CONFIG_FILES``
    names separated by semicolons, relative to that directory unless absolute; default
    ``trove.conf`` if only the directory is set

Options after ``--`` of ``trove-wsgi``, and uWSGI's ``pyargv``, are read as those of ``trove-api``.
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

#: Programs that pass their other arguments to the application.
_PASSING_PROGRAMS = ('trove-wsgi', 'uwsgi')


def init_application() -> Any:
    """Return the application; call it once per process.

    :raises oslo_config.cfg.ConfigFilesNotFoundError: a file named by the environment is missing.
    :raises trove.common.rpc.keys.KeyConfigurationError: see
        :func:`trove.common.http.deploy.application`.
    """
    options.parse([*config_arguments(os.environ), *own_arguments(sys.argv)], program='trove-api')
    application = deploy.application()
    rpc_clients.setup(CONF)
    return application


def config_arguments(environment: Mapping[str, str]) -> list[str]:
    """Return the arguments for the configuration files in the environment; none for the defaults.
    """
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
    """Return the arguments of the command line that belong to the application."""
    if not command_line or os.path.basename(command_line[0]) not in _PASSING_PROGRAMS:
        return []
    return list(command_line[1:])
