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

"""WSGI application of the operator's api-paste.ini."""

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
    """Return the path of the pipeline file.

    A relative path is searched beside trove.conf, in /etc/trove, and where packages install it.

    :raises cfg.ConfigFilesNotFoundError: the file is in none of these places.
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
    """Return paths of a file of the installed package; they depend on how it was installed."""
    try:
        files = metadata.files('trove') or []
    except metadata.PackageNotFoundError:
        return []
    return [str(file.locate()) for file in files if file.parts[-3:] == ('etc', 'trove', name)]


def application() -> Any:
    """Return the whole pipeline.

    Unusable keys and policy files are refused here, before the first request.

    :raises trove.common.rpc.keys.KeyConfigurationError: a key is unusable.
    """
    keys.check_keys(CONF)
    policy.get_enforcer()
    options.set_library_defaults()
    # The CORS filter reads the configuration file itself, by default from the usual place.
    files = CONF.config_file or []
    return deploy.loadapp(f'config:{paste_file()}', name=APPLICATION,
                          global_conf={'oslo_config_file': files[0]} if files else {})
