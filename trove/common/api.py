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

"""The URL table, and the application that follows it. The only module of ``common`` that knows the resources."""

from typing import Any

from oslo_config import cfg

from trove.common import exception, serializers, wsgi
from trove.common.router import Route, Router
from trove.datastore import service as datastores
from trove.extensions.databases import service as databases
from trove.extensions.root import service as root
from trove.extensions.users import service as users
from trove.flavor import service as flavors
from trove.instance import history
from trove.instance import service as instances
from trove.limits import service as limits
from trove.operation import service as operations
from trove.quota import service as quotas

CONF = cfg.CONF

_P = '/{project_id}'
_INSTANCES = f'{_P}/instances'
_I = f'{_INSTANCES}/{{instance_id}}'
_USER = f'{_I}/users/{{user}}'
_DATASTORES = f'{_P}/datastores'
_DS = f'{_DATASTORES}/{{datastore}}'
_VERSION = f'{_DS}/versions/{{version}}'
_QUOTAS = f'{_P}/mgmt/quotas/{{target_project_id}}'

ROUTES = (
    Route('GET', _INSTANCES, instances.index, ('instance:index',)),
    Route('POST', _INSTANCES, instances.create, ('instance:create',)),
    Route('GET', f'{_INSTANCES}/detail', instances.detail, ('instance:detail',)),
    Route('GET', _I, instances.show, ('instance:show',)),
    Route('DELETE', _I, instances.delete, ('instance:delete',)),
    Route('POST', f'{_I}/action', instances.action, ('instance:restart',)),
    Route('GET', f'{_I}/operations', history.operations, ('instance:operations',)),
    Route('GET', f'{_I}/events', history.events, ('instance:events',)),

    Route('GET', f'{_I}/root', root.show, ('instance:extension:root:index',)),
    Route('POST', f'{_I}/root', root.enable, ('instance:extension:root:create',)),
    Route('DELETE', f'{_I}/root', root.disable, ('instance:extension:root:delete',)),

    Route('GET', f'{_I}/databases', databases.index, ('instance:extension:database:index',)),
    Route('POST', f'{_I}/databases', databases.create, ('instance:extension:database:create',)),
    Route('GET', f'{_I}/databases/{{name}}', databases.show, ('instance:extension:database:show',), whole=True),
    Route('DELETE', f'{_I}/databases/{{name}}', databases.delete, ('instance:extension:database:delete',), whole=True),

    Route('GET', f'{_I}/users', users.index, ('instance:extension:user:index',)),
    Route('POST', f'{_I}/users', users.create, ('instance:extension:user:create',)),
    Route('PUT', f'{_I}/users', users.change_passwords, ('instance:extension:user:update_all',)),
    Route('GET', _USER, users.show, ('instance:extension:user:show',), whole=True),
    Route('PUT', _USER, users.update, ('instance:extension:user:update',), whole=True),
    Route('DELETE', _USER, users.delete, ('instance:extension:user:delete',), whole=True),
    Route('GET', f'{_USER}/databases', users.access_index, ('instance:extension:user_access:index',)),
    Route('PUT', f'{_USER}/databases', users.access_grant, ('instance:extension:user_access:update',)),
    Route('DELETE', f'{_USER}/databases/{{name}}', users.access_revoke, ('instance:extension:user_access:delete',),
          whole=True),

    Route('GET', _DATASTORES, datastores.index, ('datastore:index',)),
    Route('GET', _DS, datastores.show, ('datastore:show',)),
    Route('DELETE', _DS, datastores.delete, ('datastore:delete',)),
    Route('GET', f'{_DATASTORES}/versions/{{version}}', datastores.version_show_by_id,
          ('datastore:version_show_by_uuid',)),
    Route('GET', f'{_DS}/versions', datastores.version_index, ('datastore:version_index',)),
    # A version's name may hold dots, as in 10.11.
    Route('GET', _VERSION, datastores.version_show, ('datastore:version_show',)),
    Route('GET', f'{_VERSION}/flavors', datastores.version_flavors, ('datastore:list_associated_flavors',)),
    Route('GET', f'{_VERSION}/volume-types', datastores.version_volume_types,
          ('datastore:list_associated_volume_types',)),

    Route('GET', f'{_P}/flavors', flavors.index, ('flavor:index',)),
    Route('GET', f'{_P}/flavors/{{flavor}}', flavors.show, ('flavor:show',)),
    Route('GET', f'{_P}/limits', limits.index, ('limits:index',)),
    Route('GET', f'{_P}/operations/{{operation_id}}', operations.show, ('operation:show',)),
    Route('GET', _QUOTAS, quotas.show, ('quota:show',)),
    Route('PUT', _QUOTAS, quotas.update, ('quota:update',)),
)


class Application:
    """Answers one request by the table. Failures are raised; the fault wrapper stands further out."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = wsgi.Request(environ)
        try:
            path = environ['PATH_INFO'].encode('latin-1').decode()
        except UnicodeError:
            raise exception.NotFound('The resource could not be found.') from None
        route, arguments, suffix = self._router.match(request.method, path)
        form = serializers.by_suffix(suffix)
        if form is not None:
            environ[wsgi.FORM_KEY] = form
        answer = route.handler(request, **arguments)
        if not isinstance(answer, wsgi.Answer):
            answer = wsgi.Answer(200, answer)
        return wsgi.response(request.form, answer)(environ, start_response)


def app_factory(_global_conf: dict[str, str], **_local_conf: str) -> Application:
    """Paste application ``troveapp``."""
    return Application(Router(ROUTES, CONF.expected_filetype_suffixes))
