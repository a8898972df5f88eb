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

"""trove-wsgi: the same application for uWSGI and mod_wsgi, with the threads of the server and without eventlet."""

from typing import Any

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)

from trove.common import cfg as options  # noqa: E402
from trove.common import deploy  # noqa: E402


def init_application() -> Any:
    """The application, made once per process from the files of the usual search path."""
    options.parse([], program='trove-api')
    return deploy.application()
