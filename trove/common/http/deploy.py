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

"""From the operator's api-paste.ini to the WSGI application."""

import os
from importlib import metadata
from typing import Any

from oslo_config import cfg
from paste import deploy

from trove.common import cfg as options
from trove.common import policy
from trove.common.rpc import keys

CONF = cfg.CONF

APPLICATION = 'trove'


def paste_file() -> str:
    """The pipeline file: an absolute path, or searched beside trove.conf, in /etc/trove and where packages put it.

    :raises cfg.ConfigFilesNotFoundError: nowhere.
    """
    name = CONF.api_paste_config
    places = [CONF.find_file(name) or '', os.path.join('/etc/trove', name), *_packaged(name),
              os.path.join(os.path.dirname(__file__), '..', '..', '..', 'etc', 'trove', name)]
    found = next((os.path.abspath(place) for place in places if place and os.path.isfile(place)),
                 None)
    if found is None:
        raise cfg.ConfigFilesNotFoundError([name])
    return found


def _packaged(name: str) -> list[str]:
    """Where the installed package has put a file of ours, which depends on how it was installed."""
    try:
        files = metadata.files('trove') or []
    except metadata.PackageNotFoundError:
        return []
    return [str(file.locate()) for file in files if file.parts[-3:] == ('etc', 'trove', name)]


def application() -> Any:
    """The whole pipeline. Refuses to be made with unusable keys or policy files rather than fail at the first request.

    :raises trove.common.rpc.keys.KeyConfigurationError:
    """
    keys.check_keys(CONF)
    policy.get_enforcer()
    options.set_library_defaults()
    # The CORS filter reads a file of its own accord and would look in the usual place only.
    files = CONF.config_file or []
    return deploy.loadapp(f'config:{paste_file()}', name=APPLICATION,
                          global_conf={'oslo_config_file': files[0]} if files else {})
