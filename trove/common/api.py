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

"""URL table and application factory: the only module of ``common`` that imports resources."""

from typing import Any

from oslo_config import cfg

from trove.backup import schemas as backup_schemas
from trove.backup import service as backups
from trove.backup import strategies as backup_strategies
from trove.cluster import schemas as cluster_schemas
from trove.cluster import service as clusters
from trove import versions
from trove.common.http import openapi, query
from trove.common.http.dispatcher import Dispatcher
from trove.common.http.mapper import RouteMapper
from trove.common.http.route import Action, Actions, Route
from trove.configuration import parameters
from trove.configuration import schemas as configuration_schemas
from trove.configuration import service as configurations
from trove.datastore import schemas as datastore_schemas
from trove.datastore import service as datastores
from trove.extensions.databases import schemas as database_schemas
from trove.extensions.databases import service as databases
from trove.extensions.logs import schemas as log_schemas
from trove.extensions.logs import service as logs
from trove.extensions.mgmt import clusters as mgmt_clusters
from trove.extensions.mgmt import datastore_versions as mgmt_versions
from trove.extensions.mgmt import instances as mgmt_instances
from trove.extensions.mgmt import parameters as mgmt_parameters
from trove.extensions.mgmt import schemas as mgmt_schemas
from trove.extensions.root import schemas as root_schemas
from trove.extensions.root import service as root
from trove.extensions.users import schemas as user_schemas
from trove.extensions.users import service as users
from trove.flavor import schemas as flavor_schemas
from trove.flavor import service as flavors
from trove.instance import schemas as instance_schemas
from trove.instance import service as instances
from trove.limits import schemas as limit_schemas
from trove.instance.actions import status
from trove.limits import service as limits
from trove.module import instances as instance_modules
from trove.module import schemas as module_schemas
from trove.module import service as modules
from trove.operation import schemas as operation_schemas
from trove.operation import service as operations
from trove.quota import schemas as quota_schemas
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
#: Filters and order of lists of instances.
_LISTED = (*_PAGE, 'include_clustered', 'name', 'datastore', 'replica_of', 'status',
           *query.WINDOW, *query.ORDER)
#: Dry run of a create.
_VALIDATE = ('validate_only',)
#: Filters and orders of other lists.
_WINDOW = (*query.WINDOW, *query.ORDER)
#: Failures of every call to a guest: its own, and an instance that is not serving.
_GUEST = (400, 422)

_INSTANCE_ACTIONS = Actions(
    Action('restart', 'instance:restart', instance_schemas.RESTART, instances.restart),
    Action('resize', 'instance:resize_volume', instance_schemas.RESIZE_VOLUME,
           instances.resize_volume, inner='volume'),
    Action('resize', 'instance:resize_flavor', instance_schemas.RESIZE_FLAVOR,
           instances.resize_flavor),
    Action('reset_status', 'instance:force_delete', instance_schemas.RESET_STATUS,
           instances.reset_status, inner='force_delete'),
    Action('reset_status', 'instance:reset_status', instance_schemas.RESET_STATUS,
           instances.reset_status),
    Action('promote_to_replica_source', 'instance:promote_to_replica_source',
           instance_schemas.PROMOTE, instances.promote),
    Action('eject_replica_source', 'instance:eject_replica_source', instance_schemas.EJECT,
           instances.eject), only_key=False)
_LOG_ACTIONS = Actions(
    Action(logs.SHOW, 'instance:guest_log_list', log_schemas.ACTION),
    Action(logs.CHANGE, 'instance:guest_log_action', log_schemas.ACTION), key_of=logs.action_of)
_OPERATION_ACTIONS = Actions(
    Action('cancel', 'operation:cancel', operation_schemas.CANCEL, status.cancel),
    Action('retry', 'operation:retry', operation_schemas.RETRY, status.retry))
_CLUSTER_ACTIONS = Actions(
    Action('reset-status', 'cluster:force_delete', cluster_schemas.ACTIONS['reset-status'],
           inner='force_delete'),
    Action('reset-status', 'cluster:reset-status', cluster_schemas.ACTIONS['reset-status']),
    *(Action(key, 'cluster:action', schema) for key, schema in cluster_schemas.ACTIONS.items()
      if key != 'reset-status'))
_MGMT_INSTANCE_ACTIONS = Actions(*(
    Action(key, 'mgmt:instance:action', schema, run) for key, schema, run in (
        ('start', mgmt_schemas.START, mgmt_instances.start),
        ('stop', mgmt_schemas.STOP, mgmt_instances.stop),
        ('reboot', mgmt_schemas.REBOOT, mgmt_instances.reboot),
        ('migrate', mgmt_schemas.MIGRATE, mgmt_instances.migrate),
        ('reset-task-status', mgmt_schemas.RESET_TASK_STATUS, mgmt_instances.reset_task_status),
        ('rebuild', mgmt_schemas.REBUILD, mgmt_instances.rebuild))))
_MGMT_CLUSTER_ACTIONS = Actions(
    Action('reset-task', 'mgmt:cluster:action', cluster_schemas.MGMT_RESET_TASK))

ROUTES = (
    Route('GET', _INSTANCES, instances.index, ('instance:index',),
          response_schema=instance_schemas.INDEX, query=_LISTED),
    Route('POST', _INSTANCES, instances.create, ('instance:create',), also=instances.CREATE_RULES,
          request_schema=instance_schemas.CREATE, response_schema=instance_schemas.CREATED,
          query=_VALIDATE, faults=(404, 409, 422, 501, 503)),
    Route('GET', f'{_INSTANCES}/detail', instances.detail, ('instance:detail',),
          response_schema=instance_schemas.DETAIL, query=_LISTED),
    Route('GET', _I, instances.show, ('instance:show',), response_schema=instance_schemas.SHOW),
    Route('PUT', _I, instances.update, ('instance:update',), request_schema=instance_schemas.UPDATE,
          status=202, faults=(422, 501)),
    Route('PATCH', _I, instances.edit, ('instance:update',), request_schema=instance_schemas.EDIT,
          status=202, faults=(422, 501)),
    Route('DELETE', _I, instances.delete, ('instance:delete',), status=202, faults=(409, 422, 501)),
    Route('POST', f'{_I}/action', instances.action, actions=_INSTANCE_ACTIONS, status=202,
          faults=(413, 422, 501)),
    Route('GET', f'{_I}/operations', instances.operations, ('instance:operations',),
          response_schema=operation_schemas.INDEX, query=_PAGE),
    Route('GET', f'{_I}/events', instances.events, ('instance:events',),
          response_schema=operation_schemas.EVENTS, query=_PAGE),

    Route('GET', f'{_I}/backups', backups.of_instance, ('instance:backups',),
          response_schema=backup_schemas.INDEX,
          query=(*_PAGE, 'datastore', 'name', 'status', *_WINDOW)),
    Route('GET', f'{_I}/configuration', instances.configuration, ('instance:configuration',),
          response_schema=instance_schemas.CONFIGURATION, faults=(501,)),
    Route('GET', f'{_I}/log', logs.index, ('instance:guest_log_list',),
          response_schema=log_schemas.INDEX, faults=(*_GUEST, 501)),
    Route('POST', f'{_I}/log', logs.action, actions=_LOG_ACTIONS, response_schema=log_schemas.SHOW,
          faults=(*_GUEST, 501)),
    Route('GET', f'{_I}/ssl', instances.show_ssl, ('instance:show',),
          response_schema=instance_schemas.SSL, query=('include_certificate',), faults=_GUEST),
    Route('POST', f'{_I}/ssl', instances.change_ssl, ('instance:update',),
          request_schema=instance_schemas.SSL_CHANGE, response_schema=instance_schemas.SSL_CHANGED,
          faults=_GUEST),
    Route('GET', f'{_I}/modules', instance_modules.index, ('instance:module_list',),
          response_schema=module_schemas.ON_INSTANCE, query=('from_guest', 'include_contents'),
          faults=_GUEST),
    Route('POST', f'{_I}/modules', instance_modules.apply, ('instance:module_apply',),
          request_schema=module_schemas.APPLY, response_schema=module_schemas.ON_INSTANCE,
          faults=_GUEST),
    Route('DELETE', f'{_I}/modules/{{module_id}}', instance_modules.remove,
          ('instance:module_remove',), faults=_GUEST),

    Route('GET', f'{_I}/root', root.show, ('instance:extension:root:index',),
          response_schema=root_schemas.SHOW, faults=(422,)),
    Route('POST', f'{_I}/root', root.enable, ('instance:extension:root:create',),
          request_schema=root_schemas.ENABLE, optional_body=True,
          response_schema=root_schemas.ENABLED, faults=_GUEST),
    Route('DELETE', f'{_I}/root', root.disable, ('instance:extension:root:delete',), status=204,
          faults=_GUEST),

    Route('GET', f'{_I}/databases', databases.index, ('instance:extension:database:index',),
          response_schema=database_schemas.INDEX, query=_PAGE, faults=_GUEST),
    Route('POST', f'{_I}/databases', databases.create, ('instance:extension:database:create',),
          request_schema=database_schemas.CREATE, convert=databases.as_list, status=202,
          faults=_GUEST),
    Route('GET', f'{_I}/databases/{{name}}', databases.show, ('instance:extension:database:show',),
          whole=True, status=501),
    Route('DELETE', f'{_I}/databases/{{name}}', databases.delete,
          ('instance:extension:database:delete',), whole=True, status=202, faults=_GUEST),

    Route('GET', f'{_I}/users', users.index, ('instance:extension:user:index',),
          response_schema=user_schemas.INDEX, query=_PAGE, faults=_GUEST),
    Route('POST', f'{_I}/users', users.create, ('instance:extension:user:create',),
          request_schema=user_schemas.CREATE, status=202, faults=_GUEST),
    Route('PUT', f'{_I}/users', users.change_passwords, ('instance:extension:user:update_all',),
          request_schema=user_schemas.CHANGE_PASSWORDS, status=202, faults=_GUEST),
    Route('GET', _USER, users.show, ('instance:extension:user:show',), whole=True,
          response_schema=user_schemas.SHOW, faults=_GUEST),
    Route('PUT', _USER, users.update, ('instance:extension:user:update',), whole=True,
          request_schema=user_schemas.UPDATE, status=202, faults=_GUEST),
    Route('DELETE', _USER, users.delete, ('instance:extension:user:delete',), whole=True,
          status=202, faults=_GUEST),
    Route('GET', f'{_USER}/databases', users.access_index,
          ('instance:extension:user_access:index',), response_schema=user_schemas.ACCESS,
          faults=_GUEST),
    Route('PUT', f'{_USER}/databases', users.access_grant,
          ('instance:extension:user_access:update',), request_schema=user_schemas.GRANT, status=202,
          faults=_GUEST),
    Route('DELETE', f'{_USER}/databases/{{name}}', users.access_revoke,
          ('instance:extension:user_access:delete',), whole=True, status=202, faults=_GUEST),

    Route('GET', _DATASTORES, datastores.index, ('datastore:index',),
          response_schema=datastore_schemas.INDEX),
    Route('GET', _DS, datastores.show, ('datastore:show',), response_schema=datastore_schemas.SHOW),
    Route('DELETE', _DS, datastores.delete, ('datastore:delete',), status=202, faults=(400,)),
    Route('GET', f'{_DATASTORES}/versions/{{version}}', datastores.version_show_by_id,
          ('datastore:version_show_by_uuid',), response_schema=datastore_schemas.VERSION_SHOW,
          faults=(400,)),
    Route('GET', f'{_DS}/versions', datastores.version_index, ('datastore:version_index',),
          response_schema=datastore_schemas.VERSIONS),
    # The name of a version can have dots, as in 10.11.
    Route('GET', _VERSION, datastores.version_show, ('datastore:version_show',),
          response_schema=datastore_schemas.VERSION_SHOW, faults=(400,)),
    Route('GET', f'{_VERSION}/flavors', datastores.version_flavors,
          ('datastore:list_associated_flavors',), response_schema=flavor_schemas.INDEX),
    Route('GET', f'{_VERSION}/volume-types', datastores.version_volume_types,
          ('datastore:list_associated_volume_types',),
          response_schema=datastore_schemas.VOLUME_TYPES),

    Route('GET', f'{_VERSION}/parameters', parameters.index, ('configuration-parameter:index',),
          response_schema=configuration_schemas.PARAMETERS, faults=(400,)),
    Route('GET', f'{_VERSION}/parameters/{{name}}', parameters.show,
          ('configuration-parameter:show',), whole=True,
          response_schema=configuration_schemas.PARAMETER_SHOW, faults=(400,)),
    Route('GET', _PARAMETERS, parameters.index_by_version,
          ('configuration-parameter:index_by_version',),
          response_schema=configuration_schemas.PARAMETERS, faults=(400,)),
    Route('GET', f'{_PARAMETERS}/{{name}}', parameters.show_by_version,
          ('configuration-parameter:show_by_version',), whole=True,
          response_schema=configuration_schemas.PARAMETER_SHOW, faults=(400,)),

    Route('GET', _GROUPS, configurations.index, ('configuration:index',),
          response_schema=configuration_schemas.INDEX,
          query=(*_PAGE, 'name', 'datastore', *_WINDOW)),
    Route('POST', _GROUPS, configurations.create, ('configuration:create',),
          request_schema=configuration_schemas.CREATE, response_schema=configuration_schemas.SHOW,
          query=_VALIDATE, faults=(404, 422)),
    Route('GET', _GROUP, configurations.show, ('configuration:show',),
          response_schema=configuration_schemas.SHOW),
    Route('PATCH', _GROUP, configurations.edit, ('configuration:edit',),
          request_schema=configuration_schemas.EDIT, faults=(422,)),
    Route('PUT', _GROUP, configurations.update, ('configuration:update',),
          request_schema=configuration_schemas.UPDATE, status=202, faults=(422,)),
    Route('DELETE', _GROUP, configurations.delete, ('configuration:delete',), status=202,
          faults=(400,)),
    Route('GET', f'{_GROUP}/instances', configurations.instances, ('configuration:instances',),
          response_schema=configuration_schemas.INSTANCES, query=_PAGE),

    Route('GET', _BACKUPS, backups.index, ('backup:index',), also=('backup:index:all_projects',),
          response_schema=backup_schemas.INDEX,
          query=(*_PAGE, 'datastore', 'instance_id', 'project_id', 'all_projects', 'name',
                 'status', *_WINDOW), faults=(404,)),
    Route('POST', _BACKUPS, backups.create, ('backup:create',),
          request_schema=backup_schemas.CREATE, response_schema=backup_schemas.SHOW, status=202,
          query=_VALIDATE, faults=(404, 422, 501)),
    Route('GET', _BACKUP, backups.show, ('backup:show',), response_schema=backup_schemas.SHOW),
    Route('DELETE', _BACKUP, backups.delete, ('backup:delete',), status=202, faults=(422,)),
    Route('GET', _STRATEGIES, backup_strategies.index, ('backup_strategy:index',),
          response_schema=backup_schemas.STRATEGIES, query=('instance_id', 'project_id')),
    Route('POST', _STRATEGIES, backup_strategies.create, ('backup_strategy:create',),
          request_schema=backup_schemas.STRATEGY_CREATE,
          response_schema=backup_schemas.STRATEGY_SHOW, status=202),
    Route('DELETE', _STRATEGIES, backup_strategies.delete, ('backup_strategy:delete',), status=202,
          query=('instance_id', 'project_id')),

    Route('GET', _MODULES, modules.index, ('module:index',), response_schema=module_schemas.INDEX,
          query=('datastore', 'name', 'type'), faults=(404,)),
    Route('POST', _MODULES, modules.create, ('module:create',),
          request_schema=module_schemas.CREATE, response_schema=module_schemas.MODULE,
          query=_VALIDATE, faults=(404,)),
    Route('GET', _MODULE, modules.show, ('module:show',), response_schema=module_schemas.SHOW),
    Route('PUT', _MODULE, modules.update, ('module:update',), request_schema=module_schemas.UPDATE,
          response_schema=module_schemas.MODULE),
    Route('DELETE', _MODULE, modules.delete, ('module:delete',)),
    Route('GET', f'{_MODULE}/instances', modules.instances_of, ('module:instances',),
          response_schema=module_schemas.INSTANCES,
          query=(*_PAGE, 'include_clustered', 'count_only')),
    Route('PUT', f'{_MODULE}/instances', modules.reapply, ('module:reapply',),
          request_schema=module_schemas.REAPPLY, status=202, faults=(422,)),

    Route('GET', _CLUSTERS, clusters.index, ('cluster:index',),
          response_schema=cluster_schemas.INDEX, query=_PAGE),
    Route('POST', _CLUSTERS, clusters.create, ('cluster:create',),
          request_schema=cluster_schemas.CREATE, status=501, faults=(404,)),
    Route('GET', _CLUSTER, clusters.show, ('cluster:show',), status=404),
    Route('POST', _CLUSTER, clusters.action, ('cluster:action',), actions=_CLUSTER_ACTIONS,
          status=404),
    Route('DELETE', _CLUSTER, clusters.delete, ('cluster:delete',), status=404),
    Route('GET', f'{_CLUSTER}/instances/{{instance_id}}', clusters.show_instance,
          ('cluster:show_instance',), status=404),
    Route('GET', f'{_CLUSTER}/root', clusters.root_show, ('cluster:extension:root:index',),
          status=404),
    Route('POST', f'{_CLUSTER}/root', clusters.root_enable, ('cluster:extension:root:create',),
          request_schema=cluster_schemas.ROOT, optional_body=True, status=404),

    Route('GET', f'{_P}/flavors', flavors.index, ('flavor:index',),
          response_schema=flavor_schemas.INDEX),
    Route('GET', f'{_P}/flavors/{{flavor}}', flavors.show, ('flavor:show',),
          response_schema=flavor_schemas.SHOW),
    Route('GET', f'{_P}/limits', limits.index, ('limits:index',),
          response_schema=limit_schemas.INDEX),
    Route('GET', f'{_P}/operations/{{operation_id}}', operations.show, ('operation:show',),
          response_schema=operation_schemas.SHOW),
    Route('POST', f'{_P}/operations/{{operation_id}}/action', instances.operation_action,
          actions=_OPERATION_ACTIONS, status=202, faults=(400, 409, 413, 422, 501)),
    Route('GET', _QUOTAS, quotas.show, ('quota:show',), owner='target_project_id',
          response_schema=quota_schemas.SHOW),
    Route('PUT', _QUOTAS, quotas.update, ('quota:update',), owner='target_project_id', admin=True,
          request_schema=quota_schemas.UPDATE, response_schema=quota_schemas.CHANGED),

    Route('GET', f'{_M}/instances', mgmt_instances.index, ('mgmt:instance:index',), admin=True,
          response_schema=mgmt_schemas.INSTANCE_INDEX,
          query=(*_PAGE, 'include_clustered', 'deleted', 'project_id')),
    Route('GET', _M_INSTANCE, mgmt_instances.show, ('mgmt:instance:show',), admin=True,
          response_schema=mgmt_schemas.INSTANCE_SHOW, query=('deleted',)),
    Route('POST', f'{_M_INSTANCE}/action', mgmt_instances.action, admin=True,
          actions=_MGMT_INSTANCE_ACTIONS, status=202, faults=(422, 501, 503)),
    Route('GET', f'{_M_INSTANCE}/root', mgmt_instances.root_history,
          ('mgmt:instance:root_history',), admin=True, response_schema=mgmt_schemas.ROOT_HISTORY),
    Route('GET', f'{_M_INSTANCE}/rpc_ping', mgmt_instances.rpc_ping, ('mgmt:instance:rpc_ping',),
          admin=True, status=204, faults=_GUEST),
    Route('GET', f'{_M_INSTANCE}/diagnostics', mgmt_instances.diagnostics,
          ('mgmt:instance:diagnostics',), admin=True, response_schema=mgmt_schemas.DIAGNOSTICS,
          faults=_GUEST),
    Route('GET', f'{_M_INSTANCE}/hwinfo', mgmt_instances.hwinfo, ('mgmt:instance:hwinfo',),
          admin=True, response_schema=mgmt_schemas.HARDWARE, faults=_GUEST),
    Route('POST', f'{_M_INSTANCE}/upgrade', mgmt_instances.upgrade, ('mgmt:instance:upgrade',),
          admin=True, request_schema=mgmt_schemas.AGENT_UPGRADE, status=202, faults=(422,)),
    Route('GET', f'{_M}/clusters', mgmt_clusters.index, ('mgmt:cluster:index',), admin=True,
          response_schema=cluster_schemas.INDEX, query=('deleted',)),
    Route('GET', _M_CLUSTER, mgmt_clusters.show, ('mgmt:cluster:show',), admin=True, status=404),
    Route('POST', f'{_M_CLUSTER}/action', mgmt_clusters.action, admin=True,
          actions=_MGMT_CLUSTER_ACTIONS, status=404),
    Route('GET', f'{_M}/datastore-versions', mgmt_versions.index, ('mgmt:datastore_version:index',),
          admin=True, response_schema=mgmt_schemas.VERSIONS),
    Route('POST', f'{_M}/datastore-versions', mgmt_versions.create,
          ('mgmt:datastore_version:create',), admin=True,
          request_schema=mgmt_schemas.VERSION_CREATE, status=202, faults=(503,)),
    Route('GET', _M_VERSION, mgmt_versions.show, ('mgmt:datastore_version:show',), admin=True,
          response_schema=mgmt_schemas.VERSION_SHOW, faults=(400,)),
    Route('PATCH', _M_VERSION, mgmt_versions.change, ('mgmt:datastore_version:update',), admin=True,
          request_schema=mgmt_schemas.VERSION_CHANGE, status=202, faults=(503,)),
    Route('DELETE', _M_VERSION, mgmt_versions.delete, ('mgmt:datastore_version:delete',),
          admin=True, status=202, faults=(400,)),
    Route('GET', _M_PARAMETERS, mgmt_parameters.index, ('mgmt:configuration_parameter:index',),
          admin=True, response_schema=mgmt_schemas.PARAMETERS, faults=(400,)),
    Route('POST', _M_PARAMETERS, mgmt_parameters.create, ('mgmt:configuration_parameter:create',),
          admin=True, request_schema=mgmt_schemas.PARAMETER_SET,
          response_schema=mgmt_schemas.PARAMETER_SHOW),
    Route('GET', f'{_M_PARAMETERS}/{{name}}', mgmt_parameters.show,
          ('mgmt:configuration_parameter:show',), admin=True, whole=True,
          response_schema=mgmt_schemas.PARAMETER_SHOW, faults=(400,)),
    Route('PUT', f'{_M_PARAMETERS}/{{name}}', mgmt_parameters.change,
          ('mgmt:configuration_parameter:update',), admin=True, whole=True,
          request_schema=mgmt_schemas.PARAMETER_SET, response_schema=mgmt_schemas.PARAMETER_SHOW),
    Route('DELETE', f'{_M_PARAMETERS}/{{name}}', mgmt_parameters.delete,
          ('mgmt:configuration_parameter:delete',), admin=True, whole=True, status=204,
          faults=(400,)),
)


def app_factory(_global_conf: dict[str, str], **_local_conf: str) -> Dispatcher:
    """Create the Paste application ``troveapp``."""
    return Dispatcher(RouteMapper(ROUTES, CONF.expected_filetype_suffixes))


def contract() -> dict[str, Any]:
    """Return the OpenAPI document of the whole API."""
    return openapi.document(ROUTES, {'/': versions.INDEX, f'/{versions.VERSION}/': versions.SHOW})
