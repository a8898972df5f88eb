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

from trove.backup import schemas as backup_forms
from trove.backup import service as backups
from trove.backup import strategies as backup_strategies
from trove.cluster import schemas as cluster_forms
from trove.cluster import service as clusters
from trove import versions
from trove.common import exception, listing, openapi, serializers, wsgi
from trove.common.router import Route, Router
from trove.configuration import parameters
from trove.configuration import schemas as configuration_forms
from trove.configuration import service as configurations
from trove.datastore import schemas as datastore_forms
from trove.datastore import service as datastores
from trove.extensions.databases import schemas as database_forms
from trove.extensions.databases import service as databases
from trove.extensions.logs import schemas as log_forms
from trove.extensions.logs import service as logs
from trove.extensions.mgmt import clusters as mgmt_clusters
from trove.extensions.mgmt import datastore_versions as mgmt_versions
from trove.extensions.mgmt import instances as mgmt_instances
from trove.extensions.mgmt import parameters as mgmt_parameters
from trove.extensions.mgmt import schemas as mgmt_forms
from trove.extensions.root import schemas as root_forms
from trove.extensions.root import service as root
from trove.extensions.users import schemas as user_forms
from trove.extensions.users import service as users
from trove.flavor import schemas as flavor_forms
from trove.flavor import service as flavors
from trove.instance import history
from trove.instance import operating
from trove.instance import schemas as instance_forms
from trove.instance import service as instances
from trove.instance import tls
from trove.instance import update as instance_update
from trove.limits import schemas as limit_forms
from trove.limits import service as limits
from trove.module import instances as instance_modules
from trove.module import schemas as module_forms
from trove.module import service as modules
from trove.operation import schemas as operation_forms
from trove.operation import service as operations
from trove.quota import schemas as quota_forms
from trove.quota import service as quotas

CONF = cfg.CONF

_P = '/{project_id}'
_INSTANCES = f'{_P}/instances'
_I = f'{_INSTANCES}/{{instance_id}}'
_USER = f'{_I}/users/{{user}}'
_DATASTORES = f'{_P}/datastores'
_DS = f'{_DATASTORES}/{{datastore}}'
_VERSION = f'{_DS}/versions/{{version}}'
_PARAMETERS = f'{_DATASTORES}/versions/{{version}}/parameters'
_GROUPS = f'{_P}/configurations'
_GROUP = f'{_GROUPS}/{{configuration_id}}'
_BACKUPS = f'{_P}/backups'
_BACKUP = f'{_BACKUPS}/{{backup_id}}'
_STRATEGIES = f'{_P}/backup_strategies'
_MODULES = f'{_P}/modules'
_MODULE = f'{_MODULES}/{{module_id}}'
_CLUSTERS = f'{_P}/clusters'
_CLUSTER = f'{_CLUSTERS}/{{cluster_id}}'
_M = f'{_P}/mgmt'
_M_INSTANCE = f'{_M}/instances/{{instance_id}}'
_M_CLUSTER = f'{_M}/clusters/{{cluster_id}}'
_M_VERSION = f'{_M}/datastore-versions/{{version}}'
_M_PARAMETERS = f'{_M}/datastores/versions/{{version}}/parameters'
_QUOTAS = f'{_M}/quotas/{{target_project_id}}'

_PAGE = ('limit', 'marker')
#: What lists of instances are narrowed and sorted by.
_LISTED = (*_PAGE, 'include_clustered', 'name', 'datastore', 'replica_of', 'status', *listing.WINDOW, *listing.ORDER)
#: Of what makes something.
_VALIDATE = ('validate_only',)
#: Filters and orders of other lists.
_WINDOW = (*listing.WINDOW, *listing.ORDER)
#: Refusals of every call that a guest answers: what it says, and an instance that does not serve.
_GUEST = (400, 422)

ROUTES = (
    Route('GET', _INSTANCES, instances.index, ('instance:index',), gives=instance_forms.INDEX,
          query=_LISTED),
    Route('POST', _INSTANCES, instances.create, ('instance:create',), takes=instance_forms.CREATE,
          gives=instance_forms.CREATED, query=_VALIDATE, faults=(404, 409, 422, 501, 503)),
    Route('GET', f'{_INSTANCES}/detail', instances.detail, ('instance:detail',), gives=instance_forms.DETAIL,
          query=_LISTED),
    Route('GET', _I, instances.show, ('instance:show',), gives=instance_forms.SHOW),
    Route('PUT', _I, instance_update.update, ('instance:update',), takes=instance_forms.UPDATE, status=202,
          faults=(422, 501)),
    Route('PATCH', _I, instance_update.edit, ('instance:update',), takes=instance_forms.EDIT, status=202,
          faults=(422, 501)),
    Route('DELETE', _I, instances.delete, ('instance:delete',), status=202, faults=(409, 422, 501)),
    Route('POST', f'{_I}/action', instances.action,
          ('instance:restart', 'instance:resize_volume', 'instance:resize_flavor', 'instance:reset_status',
           'instance:force_delete', 'instance:promote_to_replica_source', 'instance:eject_replica_source'),
          takes=instance_forms.ACTION, status=202, faults=(413, 422, 501)),
    Route('GET', f'{_I}/operations', history.operations, ('instance:operations',),
          gives=operation_forms.INDEX, query=_PAGE),
    Route('GET', f'{_I}/events', history.events, ('instance:events',), gives=operation_forms.EVENTS,
          query=_PAGE),

    Route('GET', f'{_I}/backups', backups.of_instance, ('instance:backups',), gives=backup_forms.INDEX,
          query=(*_PAGE, 'datastore', 'name', 'status', *_WINDOW)),
    Route('GET', f'{_I}/configuration', instances.configuration, ('instance:configuration',),
          gives=instance_forms.CONFIGURATION, faults=(501,)),
    Route('GET', f'{_I}/log', logs.index, ('instance:guest_log_list',), gives=log_forms.INDEX, faults=(*_GUEST, 501)),
    Route('POST', f'{_I}/log', logs.action, ('instance:guest_log_list', 'instance:guest_log_action'),
          takes=log_forms.ACTION, gives=log_forms.SHOW, faults=(*_GUEST, 501)),
    Route('GET', f'{_I}/ssl', tls.show, ('instance:show',), gives=instance_forms.SSL, query=('include_certificate',),
          faults=_GUEST),
    Route('POST', f'{_I}/ssl', tls.change, ('instance:update',), takes=instance_forms.SSL_CHANGE,
          gives=instance_forms.SSL_CHANGED, faults=_GUEST),
    Route('GET', f'{_I}/modules', instance_modules.index, ('instance:module_list',), gives=module_forms.ON_INSTANCE,
          query=('from_guest', 'include_contents'), faults=_GUEST),
    Route('POST', f'{_I}/modules', instance_modules.apply, ('instance:module_apply',), takes=module_forms.APPLY,
          gives=module_forms.ON_INSTANCE, faults=_GUEST),
    Route('DELETE', f'{_I}/modules/{{module_id}}', instance_modules.remove, ('instance:module_remove',),
          faults=_GUEST),

    Route('GET', f'{_I}/root', root.show, ('instance:extension:root:index',), gives=root_forms.SHOW, faults=(422,)),
    Route('POST', f'{_I}/root', root.enable, ('instance:extension:root:create',), takes=root_forms.ENABLE,
          gives=root_forms.ENABLED, faults=_GUEST),
    Route('DELETE', f'{_I}/root', root.disable, ('instance:extension:root:delete',), status=204, faults=_GUEST),

    Route('GET', f'{_I}/databases', databases.index, ('instance:extension:database:index',),
          gives=database_forms.INDEX, query=_PAGE, faults=_GUEST),
    Route('POST', f'{_I}/databases', databases.create, ('instance:extension:database:create',),
          takes=database_forms.CREATE, status=202, faults=_GUEST),
    Route('GET', f'{_I}/databases/{{name}}', databases.show, ('instance:extension:database:show',), whole=True,
          status=501),
    Route('DELETE', f'{_I}/databases/{{name}}', databases.delete, ('instance:extension:database:delete',), whole=True,
          status=202, faults=_GUEST),

    Route('GET', f'{_I}/users', users.index, ('instance:extension:user:index',), gives=user_forms.INDEX,
          query=_PAGE, faults=_GUEST),
    Route('POST', f'{_I}/users', users.create, ('instance:extension:user:create',), takes=user_forms.CREATE,
          status=202, faults=_GUEST),
    Route('PUT', f'{_I}/users', users.change_passwords, ('instance:extension:user:update_all',),
          takes=user_forms.CHANGE_PASSWORDS, status=202, faults=_GUEST),
    Route('GET', _USER, users.show, ('instance:extension:user:show',), whole=True, gives=user_forms.SHOW,
          faults=_GUEST),
    Route('PUT', _USER, users.update, ('instance:extension:user:update',), whole=True, takes=user_forms.UPDATE,
          status=202, faults=_GUEST),
    Route('DELETE', _USER, users.delete, ('instance:extension:user:delete',), whole=True, status=202,
          faults=_GUEST),
    Route('GET', f'{_USER}/databases', users.access_index, ('instance:extension:user_access:index',),
          gives=user_forms.ACCESS, faults=_GUEST),
    Route('PUT', f'{_USER}/databases', users.access_grant, ('instance:extension:user_access:update',),
          takes=user_forms.GRANT, status=202, faults=_GUEST),
    Route('DELETE', f'{_USER}/databases/{{name}}', users.access_revoke, ('instance:extension:user_access:delete',),
          whole=True, status=202, faults=_GUEST),

    Route('GET', _DATASTORES, datastores.index, ('datastore:index',), gives=datastore_forms.INDEX),
    Route('GET', _DS, datastores.show, ('datastore:show',), gives=datastore_forms.SHOW),
    Route('DELETE', _DS, datastores.delete, ('datastore:delete',), status=202, faults=(400,)),
    Route('GET', f'{_DATASTORES}/versions/{{version}}', datastores.version_show_by_id,
          ('datastore:version_show_by_uuid',), gives=datastore_forms.VERSION_SHOW, faults=(400,)),
    Route('GET', f'{_DS}/versions', datastores.version_index, ('datastore:version_index',),
          gives=datastore_forms.VERSIONS),
    # A version's name may hold dots, as in 10.11.
    Route('GET', _VERSION, datastores.version_show, ('datastore:version_show',), gives=datastore_forms.VERSION_SHOW,
          faults=(400,)),
    Route('GET', f'{_VERSION}/flavors', datastores.version_flavors, ('datastore:list_associated_flavors',),
          gives=flavor_forms.INDEX),
    Route('GET', f'{_VERSION}/volume-types', datastores.version_volume_types,
          ('datastore:list_associated_volume_types',), gives=datastore_forms.VOLUME_TYPES),

    Route('GET', f'{_VERSION}/parameters', parameters.index, ('configuration-parameter:index',),
          gives=configuration_forms.PARAMETERS, faults=(400,)),
    Route('GET', f'{_VERSION}/parameters/{{name}}', parameters.show, ('configuration-parameter:show',), whole=True,
          gives=configuration_forms.PARAMETER_SHOW, faults=(400,)),
    Route('GET', _PARAMETERS, parameters.index_by_version, ('configuration-parameter:index_by_version',),
          gives=configuration_forms.PARAMETERS, faults=(400,)),
    Route('GET', f'{_PARAMETERS}/{{name}}', parameters.show_by_version, ('configuration-parameter:show_by_version',),
          whole=True, gives=configuration_forms.PARAMETER_SHOW, faults=(400,)),

    Route('GET', _GROUPS, configurations.index, ('configuration:index',), gives=configuration_forms.INDEX,
          query=(*_PAGE, 'name', 'datastore', *_WINDOW)),
    Route('POST', _GROUPS, configurations.create, ('configuration:create',), takes=configuration_forms.CREATE,
          gives=configuration_forms.SHOW, query=_VALIDATE, faults=(404, 422)),
    Route('GET', _GROUP, configurations.show, ('configuration:show',), gives=configuration_forms.SHOW),
    Route('PATCH', _GROUP, configurations.edit, ('configuration:edit',), takes=configuration_forms.EDIT,
          faults=(422,)),
    Route('PUT', _GROUP, configurations.update, ('configuration:update',), takes=configuration_forms.UPDATE,
          status=202, faults=(422,)),
    Route('DELETE', _GROUP, configurations.delete, ('configuration:delete',), status=202, faults=(400,)),
    Route('GET', f'{_GROUP}/instances', configurations.instances, ('configuration:instances',),
          gives=configuration_forms.INSTANCES, query=_PAGE),

    Route('GET', _BACKUPS, backups.index, ('backup:index', 'backup:index:all_projects'), gives=backup_forms.INDEX,
          query=(*_PAGE, 'datastore', 'instance_id', 'project_id', 'all_projects', 'name', 'status', *_WINDOW),
          faults=(404,)),
    Route('POST', _BACKUPS, backups.create, ('backup:create',), takes=backup_forms.CREATE, gives=backup_forms.SHOW,
          status=202, query=_VALIDATE, faults=(404, 422, 501)),
    Route('GET', _BACKUP, backups.show, ('backup:show',), gives=backup_forms.SHOW),
    Route('DELETE', _BACKUP, backups.delete, ('backup:delete',), status=202, faults=(422,)),
    Route('GET', _STRATEGIES, backup_strategies.index, ('backup_strategy:index',), gives=backup_forms.STRATEGIES,
          query=('instance_id', 'project_id')),
    Route('POST', _STRATEGIES, backup_strategies.create, ('backup_strategy:create',),
          takes=backup_forms.STRATEGY_CREATE, gives=backup_forms.STRATEGY_SHOW, status=202),
    Route('DELETE', _STRATEGIES, backup_strategies.delete, ('backup_strategy:delete',), status=202,
          query=('instance_id', 'project_id')),

    Route('GET', _MODULES, modules.index, ('module:index',), gives=module_forms.INDEX,
          query=('datastore', 'name', 'type'), faults=(404,)),
    Route('POST', _MODULES, modules.create, ('module:create',), takes=module_forms.CREATE, gives=module_forms.MODULE,
          query=_VALIDATE, faults=(404,)),
    Route('GET', _MODULE, modules.show, ('module:show',), gives=module_forms.SHOW),
    Route('PUT', _MODULE, modules.update, ('module:update',), takes=module_forms.UPDATE, gives=module_forms.MODULE),
    Route('DELETE', _MODULE, modules.delete, ('module:delete',)),
    Route('GET', f'{_MODULE}/instances', modules.instances_of, ('module:instances',), gives=module_forms.INSTANCES,
          query=(*_PAGE, 'include_clustered', 'count_only')),
    Route('PUT', f'{_MODULE}/instances', modules.reapply, ('module:reapply',), takes=module_forms.REAPPLY, status=202,
          faults=(422,)),

    Route('GET', _CLUSTERS, clusters.index, ('cluster:index',), gives=cluster_forms.INDEX, query=_PAGE),
    Route('POST', _CLUSTERS, clusters.create, ('cluster:create',), takes=cluster_forms.CREATE, status=501,
          faults=(404,)),
    Route('GET', _CLUSTER, clusters.show, ('cluster:show',), status=404),
    Route('POST', _CLUSTER, clusters.action, ('cluster:action', 'cluster:reset-status', 'cluster:force_delete'),
          takes=cluster_forms.ACTION, status=404),
    Route('DELETE', _CLUSTER, clusters.delete, ('cluster:delete',), status=404),
    Route('GET', f'{_CLUSTER}/instances/{{instance_id}}', clusters.show_instance, ('cluster:show_instance',),
          status=404),
    Route('GET', f'{_CLUSTER}/root', clusters.root_show, ('cluster:extension:root:index',), status=404),
    Route('POST', f'{_CLUSTER}/root', clusters.root_enable, ('cluster:extension:root:create',),
          takes=cluster_forms.ROOT, status=404),

    Route('GET', f'{_P}/flavors', flavors.index, ('flavor:index',), gives=flavor_forms.INDEX),
    Route('GET', f'{_P}/flavors/{{flavor}}', flavors.show, ('flavor:show',), gives=flavor_forms.SHOW),
    Route('GET', f'{_P}/limits', limits.index, ('limits:index',), gives=limit_forms.INDEX),
    Route('GET', f'{_P}/operations/{{operation_id}}', operations.show, ('operation:show',),
          gives=operation_forms.SHOW),
    Route('POST', f'{_P}/operations/{{operation_id}}/action', operating.action, ('operation:cancel', 'operation:retry'),
          takes=operation_forms.ACTION, status=202, faults=(400, 409, 413, 422, 501)),
    Route('GET', _QUOTAS, quotas.show, ('quota:show',), gives=quota_forms.SHOW),
    Route('PUT', _QUOTAS, quotas.update, ('quota:update',), takes=quota_forms.UPDATE, gives=quota_forms.CHANGED),

    Route('GET', f'{_M}/instances', mgmt_instances.index, ('mgmt:instance:index',), gives=mgmt_forms.INSTANCE_INDEX,
          query=(*_PAGE, 'include_clustered', 'deleted', 'project_id')),
    Route('GET', _M_INSTANCE, mgmt_instances.show, ('mgmt:instance:show',), gives=mgmt_forms.INSTANCE_SHOW,
          query=('deleted',)),
    Route('POST', f'{_M_INSTANCE}/action', mgmt_instances.action, ('mgmt:instance:action',), takes=mgmt_forms.ACTION,
          status=202, faults=(422, 501, 503)),
    Route('GET', f'{_M_INSTANCE}/root', mgmt_instances.root_history, ('mgmt:instance:root_history',),
          gives=mgmt_forms.ROOT_HISTORY),
    Route('GET', f'{_M_INSTANCE}/rpc_ping', mgmt_instances.rpc_ping, ('mgmt:instance:rpc_ping',), status=204,
          faults=_GUEST),
    Route('GET', f'{_M_INSTANCE}/diagnostics', mgmt_instances.diagnostics, ('mgmt:instance:diagnostics',),
          gives=mgmt_forms.DIAGNOSTICS, faults=_GUEST),
    Route('GET', f'{_M_INSTANCE}/hwinfo', mgmt_instances.hwinfo, ('mgmt:instance:hwinfo',), gives=mgmt_forms.HARDWARE,
          faults=_GUEST),
    Route('POST', f'{_M_INSTANCE}/upgrade', mgmt_instances.upgrade, ('mgmt:instance:upgrade',),
          takes=mgmt_forms.AGENT_UPGRADE, status=202, faults=(422,)),
    Route('GET', f'{_M}/clusters', mgmt_clusters.index, ('mgmt:cluster:index',), gives=cluster_forms.INDEX,
          query=('deleted',)),
    Route('GET', _M_CLUSTER, mgmt_clusters.show, ('mgmt:cluster:show',), status=404),
    Route('POST', f'{_M_CLUSTER}/action', mgmt_clusters.action, ('mgmt:cluster:action',),
          takes=cluster_forms.MGMT_ACTION, status=404),
    Route('GET', f'{_M}/datastore-versions', mgmt_versions.index, ('mgmt:datastore_version:index',),
          gives=mgmt_forms.VERSIONS),
    Route('POST', f'{_M}/datastore-versions', mgmt_versions.create, ('mgmt:datastore_version:create',),
          takes=mgmt_forms.VERSION_CREATE, status=202, faults=(503,)),
    Route('GET', _M_VERSION, mgmt_versions.show, ('mgmt:datastore_version:show',), gives=mgmt_forms.VERSION_SHOW,
          faults=(400,)),
    Route('PATCH', _M_VERSION, mgmt_versions.change, ('mgmt:datastore_version:update',),
          takes=mgmt_forms.VERSION_CHANGE, status=202, faults=(503,)),
    Route('DELETE', _M_VERSION, mgmt_versions.delete, ('mgmt:datastore_version:delete',), status=202, faults=(400,)),
    Route('GET', _M_PARAMETERS, mgmt_parameters.index, ('mgmt:configuration_parameter:index',),
          gives=mgmt_forms.PARAMETERS, faults=(400,)),
    Route('POST', _M_PARAMETERS, mgmt_parameters.create, ('mgmt:configuration_parameter:create',),
          takes=mgmt_forms.PARAMETER_SET, gives=mgmt_forms.PARAMETER_SHOW),
    Route('GET', f'{_M_PARAMETERS}/{{name}}', mgmt_parameters.show, ('mgmt:configuration_parameter:show',), whole=True,
          gives=mgmt_forms.PARAMETER_SHOW, faults=(400,)),
    Route('PUT', f'{_M_PARAMETERS}/{{name}}', mgmt_parameters.change, ('mgmt:configuration_parameter:update',),
          whole=True, takes=mgmt_forms.PARAMETER_SET, gives=mgmt_forms.PARAMETER_SHOW),
    Route('DELETE', f'{_M_PARAMETERS}/{{name}}', mgmt_parameters.delete, ('mgmt:configuration_parameter:delete',),
          whole=True, status=204, faults=(400,)),
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
        if '\0' in path:
            # Not every database takes it in a parameter, and nothing is called so.
            raise exception.NotFound('The resource could not be found.')
        route, arguments, suffix = self._router.match(request.method, path)
        environ[wsgi.FORM_KEY] = (serializers.by_suffix(suffix)
                                  or serializers.by_accept(environ.get('HTTP_ACCEPT', '')))
        environ[wsgi.SCHEMA_KEY] = route.takes and route.takes.schema
        answer = route.handler(request, **arguments)
        if not isinstance(answer, wsgi.Answer):
            answer = wsgi.Answer(200, answer)
        return wsgi.response(request.form, answer, route.root)(environ, start_response)


def app_factory(_global_conf: dict[str, str], **_local_conf: str) -> Application:
    """Paste application ``troveapp``."""
    return Application(Router(ROUTES, CONF.expected_filetype_suffixes))


def contract() -> dict[str, Any]:
    """The OpenAPI document of everything that is answered."""
    return openapi.document(ROUTES, {'/': versions.INDEX, f'/{versions.VERSION}/': versions.SHOW})
