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

"""Configuration options, one module per concern, registered here.

Each module offers ``list_opts()``, which returns ``[(group, [options])]`` and also feeds the
generated samples. Options are read at each use.
"""

import importlib

from oslo_config import cfg
from oslo_log import log as logging

CONF = cfg.CONF

#: Concerns of the control plane. Guests register only those in GUEST_CONCERNS.
CONCERNS = ('api', 'backups', 'cloud', 'datastores', 'database', 'guest', 'limits', 'logs',
            'metrics', 'modules', 'notifications', 'rpc', 'taskmanager')
GUEST_CONCERNS = ('guest', 'rpc')


def list_opts(concerns: tuple[str, ...] = CONCERNS) -> list[tuple[str | None, list[cfg.Opt]]]:
    """Return all options of the concerns, for oslo-config-generator and :func:`register`."""
    found: list[tuple[str | None, list[cfg.Opt]]] = []
    for concern in concerns:
        found.extend(importlib.import_module(f'{__name__}.{concern}').list_opts())
    return found


def list_guest_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Return the options of a guest's file, for all engines with a description."""
    # Only for the sample: a guest registers what its own engine needs, and has no list of engines.
    known = importlib.import_module('trove.common.engines').known()
    reserved = importlib.import_module(f'{__name__}.guest').RESERVED
    return [*list_opts(GUEST_CONCERNS), *((manager, reserved) for manager in sorted(known))]


def register(conf: cfg.ConfigOpts = CONF, concerns: tuple[str, ...] = CONCERNS) -> None:
    """Register the options of the concerns; idempotent."""
    for group, options in list_opts(concerns):
        conf.register_opts(options, group=group)
    if 'notifications' in concerns:
        importlib.import_module(f'{__name__}.notifications').register_library(conf)


def set_library_defaults() -> None:
    """Set defaults for options of libraries; configuration files override them."""
    from oslo_middleware import cors

    cors.set_defaults(
        allow_headers=['X-Auth-Token', 'X-Identity-Status', 'X-Roles', 'X-Service-Catalog',
                       'X-User-Id', 'X-Tenant-Id', 'X-OpenStack-Request-ID'],
        expose_headers=['X-Auth-Token', 'X-Subject-Token', 'X-Service-Token',
                        'X-OpenStack-Request-ID'],
        allow_methods=['GET', 'PUT', 'POST', 'DELETE', 'PATCH'])


def parse(argv: list[str], *, conf: cfg.ConfigOpts = CONF, concerns: tuple[str, ...] = CONCERNS,
          program: str | None = None) -> None:
    """Read the command line and the files of the usual search path, then set up logging.

    :param argv: arguments without the program's name.
    :param program: name of the program, which also names its optional private file.
    """
    from trove import version

    logging.register_options(conf)
    register(conf, concerns)
    conf(argv, project='trove', prog=program, version=version.release())
    logging.setup(conf, 'trove')
