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

"""First schema.

Revision ID: t0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = 't0001'
down_revision = None

ENGINE = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4'}
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), 'mysql', 'mariadb')


def upgrade() -> None:
    # Each table follows the tables that its foreign keys name.
    _command_results()
    _conductor_lastseen()
    _datastores()
    _events()
    _flavors()
    _operation_steps()
    _operations()
    _quota_usages()
    _quotas()
    _root_enabled_history()
    _service_statuses()
    _volume_types()
    _datastore_versions()
    _backups()
    _configurations()
    _datastore_configuration_parameters()
    _datastore_version_metadata()
    _configuration_parameters()
    _instances()
    _instance_addresses()
    _instance_faults()


def _command_results() -> None:
    op.create_table(
        'command_results',
        sa.Column('command_id', sa.String(length=64), nullable=False),
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('operation_id', sa.String(length=36)),
        sa.Column('kind', sa.String(length=36), nullable=False),
        sa.Column('outcome', sa.String(length=16), nullable=False),
        sa.Column('step', sa.String(length=64)),
        sa.Column('error_code', sa.String(length=64)),
        sa.Column('message', sa.String(length=1024)),
        sa.Column('data', sa.Text()),
        sa.Column('received', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('command_id', name='pk_command_results'),
        **ENGINE)
    op.create_index('ix_command_results_instance_id', 'command_results', ['instance_id'])
    op.create_index('ix_command_results_operation_id', 'command_results', ['operation_id'])


def _conductor_lastseen() -> None:
    op.create_table(
        'conductor_lastseen',
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('method_name', sa.String(length=36), nullable=False),
        sa.Column('boot_id', sa.String(length=36), nullable=False),
        sa.Column('seq', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('instance_id', 'method_name', name='pk_conductor_lastseen'),
        **ENGINE)


def _datastores() -> None:
    op.create_table(
        'datastores',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('default_version_id', sa.String(length=36)),
        sa.PrimaryKeyConstraint('id', name='pk_datastores'),
        sa.UniqueConstraint('name', name='uq_datastores_name'),
        **ENGINE)


def _events() -> None:
    op.create_table(
        'events',
        sa.Column('seq',
                  sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True,
                  nullable=False), sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('resource_type', sa.String(length=32), nullable=False),
        sa.Column('resource_id', sa.String(length=64), nullable=False),
        sa.Column('project_id', sa.String(length=36)),
        sa.Column('operation_id', sa.String(length=36)), sa.Column('time', TIMESTAMP,
                                                                   nullable=False),
        sa.Column('type', sa.String(length=64), nullable=False),
        sa.Column('text', sa.String(length=1024), nullable=False),
        sa.Column('actor', sa.String(length=64)), sa.Column('request_id', sa.String(length=64)),
        sa.PrimaryKeyConstraint('seq', name='pk_events'),
        sa.UniqueConstraint('id', name='uq_events_id'), **ENGINE)
    op.create_index('ix_events_resource', 'events', ['resource_id', 'seq'])


def _flavors() -> None:
    op.create_table(
        'flavors',
        sa.Column('region', sa.String(length=255), nullable=False),
        sa.Column('id', sa.String(length=255), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('ram', sa.Integer(), nullable=False),
        sa.Column('vcpus', sa.Integer(), nullable=False),
        sa.Column('disk', sa.Integer(), nullable=False),
        sa.Column('ephemeral', sa.Integer(), nullable=False),
        sa.Column('is_public', sa.Boolean(), nullable=False),
        sa.Column('seen', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('region', 'id', name='pk_flavors'),
        **ENGINE)


def _operation_steps() -> None:
    op.create_table(
        'operation_steps',
        sa.Column('operation_id', sa.String(length=36), nullable=False),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('outcome', sa.String(length=16)),
        sa.Column('started', TIMESTAMP, nullable=False),
        sa.Column('ended', TIMESTAMP),
        sa.Column('runs', sa.Integer(), nullable=False),
        sa.Column('busy_ms', sa.Integer(), nullable=False),
        sa.Column('late_ms', sa.Integer(), nullable=False),
        sa.Column('note', sa.String(length=1024)),
        sa.PrimaryKeyConstraint('operation_id', 'seq', name='pk_operation_steps'),
        **ENGINE)


def _operations() -> None:
    op.create_table(
        'operations',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=36)),
        sa.Column('resource_type', sa.String(length=32), nullable=False),
        sa.Column('resource_id', sa.String(length=64), nullable=False),
        sa.Column('parent_id', sa.String(length=36)),
        sa.Column('kind', sa.String(length=64), nullable=False),
        sa.Column('flow_version', sa.Integer(), nullable=False),
        sa.Column('steps', sa.Text(), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('args', LONG_TEXT, nullable=False),
        sa.Column('secrets', LONG_TEXT),
        sa.Column('facts', LONG_TEXT, nullable=False),
        sa.Column('active', sa.Integer()),
        sa.Column('owner', sa.String(length=128)),
        sa.Column('claim', sa.Integer(), nullable=False),
        sa.Column('lease_until', TIMESTAMP),
        sa.Column('due_at', TIMESTAMP, nullable=False),
        sa.Column('nudged_at', TIMESTAMP),
        sa.Column('waiting_since', TIMESTAMP),
        sa.Column('deadline', TIMESTAMP, nullable=False),
        sa.Column('cancel_wanted', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('successor', sa.Text()),
        sa.Column('error_code', sa.String(length=64)),
        sa.Column('error_text', sa.String(length=1024)),
        sa.Column('error_detail', LONG_TEXT),
        sa.Column('request_id', sa.String(length=64)),
        sa.Column('actor', sa.String(length=64)),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.Column('finished', TIMESTAMP),
        sa.PrimaryKeyConstraint('id', name='pk_operations'),
        sa.UniqueConstraint('resource_type', 'resource_id', 'active', name='uq_operations_open'),
        **ENGINE)
    op.create_index('ix_operations_due', 'operations', ['active', 'due_at'])
    op.create_index('ix_operations_parent_id', 'operations', ['parent_id'])
    op.create_index('ix_operations_resource', 'operations', ['resource_id', 'created'])


def _quota_usages() -> None:
    op.create_table(
        'quota_usages',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('tenant_id', sa.String(length=36), nullable=False),
        sa.Column('resource', sa.String(length=255), nullable=False),
        sa.Column('in_use', sa.Integer(), nullable=False),
        sa.Column('reserved', sa.Integer(), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_quota_usages'),
        sa.UniqueConstraint('tenant_id', 'resource', name='uq_quota_usages_tenant_resource'),
        **ENGINE)


def _quotas() -> None:
    op.create_table(
        'quotas',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('tenant_id', sa.String(length=36), nullable=False),
        sa.Column('resource', sa.String(length=255), nullable=False),
        sa.Column('hard_limit', sa.Integer(), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_quotas'),
        sa.UniqueConstraint('tenant_id', 'resource', name='uq_quotas_tenant_resource'),
        **ENGINE)


def _root_enabled_history() -> None:
    op.create_table(
        'root_enabled_history',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('user', sa.String(length=255)),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('enabled_at', TIMESTAMP, nullable=False),
        sa.Column('deleted_at', TIMESTAMP),
        sa.PrimaryKeyConstraint('id', name='pk_root_enabled_history'),
        **ENGINE)


def _service_statuses() -> None:
    op.create_table(
        'service_statuses',
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('status', sa.String(length=32), nullable=False),
        sa.Column('reason', sa.String(length=255)),
        sa.Column('updated_at', TIMESTAMP),
        sa.Column('boot_id', sa.String(length=36)),
        sa.Column('seq', sa.BigInteger()),
        sa.Column('agent_version', sa.String(length=64)),
        sa.Column('engine_version', sa.String(length=64)),
        sa.Column('volume_total', sa.BigInteger()),
        sa.Column('volume_used', sa.BigInteger()),
        sa.Column('facts', sa.Text()),
        sa.PrimaryKeyConstraint('instance_id', name='pk_service_statuses'),
        **ENGINE)
    op.create_index('ix_service_statuses_updated_at', 'service_statuses', ['updated_at'])


def _volume_types() -> None:
    op.create_table(
        'volume_types',
        sa.Column('region', sa.String(length=255), nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('is_public', sa.Boolean(), nullable=False),
        sa.Column('description', sa.String(length=255)),
        sa.Column('seen', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('region', 'id', name='pk_volume_types'),
        **ENGINE)


def _datastore_versions() -> None:
    op.create_table(
        'datastore_versions', sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('datastore_id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('version', sa.String(length=255), nullable=False),
        sa.Column('manager', sa.String(length=255), nullable=False),
        sa.Column('image_id', sa.String(length=36)), sa.Column('image_tags', sa.String(length=255)),
        sa.Column('packages', sa.String(length=511)),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('registry_ext', sa.Text(), nullable=False),
        sa.Column('repl_strategy', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['datastore_id'], ['datastores.id'],
                                name='fk_datastore_versions_datastore_id'),
        sa.PrimaryKeyConstraint('id', name='pk_datastore_versions'),
        sa.UniqueConstraint('datastore_id', 'name', 'version', name='ds_versions'), **ENGINE)


def _backups() -> None:
    op.create_table(
        'backups',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('description', sa.String(length=512)),
        sa.Column('location', sa.String(length=1024)),
        sa.Column('backup_type', sa.String(length=32)),
        sa.Column('size', sa.Float()),
        sa.Column('tenant_id', sa.String(length=36), nullable=False),
        sa.Column('state', sa.String(length=32), nullable=False),
        sa.Column('instance_id', sa.String(length=36)),
        sa.Column('checksum', sa.String(length=128)),
        sa.Column('parent_id', sa.String(length=36)),
        sa.Column('datastore_version_id', sa.String(length=36)),
        sa.Column('storage_driver', sa.Text()),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.Column('deleted', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('deleted_at', TIMESTAMP),
        sa.ForeignKeyConstraint(['datastore_version_id'], ['datastore_versions.id'],
                                name='fk_backups_datastore_version_id'),
        sa.PrimaryKeyConstraint('id', name='pk_backups'),
        **ENGINE)
    op.create_index('ix_backups_instance_id', 'backups', ['instance_id'])
    op.create_index('ix_backups_parent_id', 'backups', ['parent_id'])
    op.create_index('ix_backups_tenant_page', 'backups', ['tenant_id', 'deleted', 'updated', 'id'])


def _configurations() -> None:
    op.create_table(
        'configurations',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=64), nullable=False),
        sa.Column('description', sa.String(length=256)),
        sa.Column('tenant_id', sa.String(length=36), nullable=False),
        sa.Column('datastore_version_id', sa.String(length=36), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.Column('deleted', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('deleted_at', TIMESTAMP),
        sa.ForeignKeyConstraint(['datastore_version_id'], ['datastore_versions.id'],
                                name='fk_configurations_datastore_version_id'),
        sa.PrimaryKeyConstraint('id', name='pk_configurations'),
        **ENGINE)
    op.create_index('ix_configurations_tenant_id', 'configurations', ['tenant_id'])


def _datastore_configuration_parameters() -> None:
    op.create_table(
        'datastore_configuration_parameters', sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=128), nullable=False),
        sa.Column('datastore_version_id', sa.String(length=36), nullable=False),
        sa.Column('restart_required', sa.Boolean(), nullable=False),
        sa.Column('max_size', sa.String(length=40)), sa.Column('min_size', sa.String(length=40)),
        sa.Column('data_type', sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(['datastore_version_id'], ['datastore_versions.id'],
                                name='fk_datastore_configuration_parameters_datastore_version_id'),
        sa.PrimaryKeyConstraint('id', name='pk_datastore_configuration_parameters'),
        sa.UniqueConstraint('datastore_version_id', 'name',
                            name='uq_datastore_configuration_parameters_name'), **ENGINE)


def _datastore_version_metadata() -> None:
    op.create_table(
        'datastore_version_metadata', sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('datastore_version_id', sa.String(length=36), nullable=False),
        sa.Column('key', sa.String(length=128), nullable=False),
        sa.Column('value', sa.String(length=128)), sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('deleted', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('deleted_at', TIMESTAMP), sa.Column('updated_at', TIMESTAMP),
        sa.ForeignKeyConstraint(['datastore_version_id'], ['datastore_versions.id'],
                                name='fk_datastore_version_metadata_datastore_version_id',
                                ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='pk_datastore_version_metadata'),
        sa.UniqueConstraint('datastore_version_id', 'key', 'value',
                            name='datastore_version_metadata_unique'), **ENGINE)


def _configuration_parameters() -> None:
    op.create_table(
        'configuration_parameters',
        sa.Column('configuration_id', sa.String(length=36), nullable=False),
        sa.Column('configuration_key', sa.String(length=128), nullable=False),
        sa.Column('configuration_value', sa.String(length=1024)),
        sa.ForeignKeyConstraint(['configuration_id'], ['configurations.id'],
                                name='fk_configuration_parameters_configuration_id'),
        sa.PrimaryKeyConstraint('configuration_id', 'configuration_key',
                                name='pk_configuration_parameters'), **ENGINE)


def _instances() -> None:
    op.create_table(
        'instances', sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('hostname', sa.String(length=255)),
        sa.Column('tenant_id', sa.String(length=36), nullable=False),
        sa.Column('user_id', sa.String(length=64)), sa.Column('region_id', sa.String(length=255)),
        sa.Column('availability_zone', sa.String(length=255)),
        sa.Column('compute_instance_id', sa.String(length=36)),
        sa.Column('server_status', sa.String(length=64)),
        sa.Column('server_group_id', sa.String(length=36)),
        sa.Column('image_id', sa.String(length=36)),
        sa.Column('flavor_id', sa.String(length=255), nullable=False),
        sa.Column('ram', sa.Integer(), nullable=False),
        sa.Column('vcpus', sa.Integer(), nullable=False),
        sa.Column('volume_support', sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column('volume_id', sa.String(length=36)), sa.Column('volume_size', sa.Integer()),
        sa.Column('volume_type', sa.String(length=255)),
        sa.Column('datastore_version_id', sa.String(length=36)),
        sa.Column('configuration_id', sa.String(length=36)),
        sa.Column('slave_of_id', sa.String(length=36)), sa.Column('cluster_id',
                                                                  sa.String(length=36)),
        sa.Column('shard_id', sa.String(length=36)), sa.Column('type', sa.String(length=64)),
        sa.Column('locality', sa.String(length=32)),
        sa.Column('encrypted_key', sa.String(length=255)),
        sa.Column('boot_epoch', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('server_id_number', sa.BigInteger(), nullable=False),
        sa.Column('access', sa.Text()), sa.Column('security_group_id', sa.String(length=36)),
        sa.Column('error_code', sa.String(length=64)),
        sa.Column('restart_required', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('deletion_protection', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('ssl_mode', sa.String(length=16)), sa.Column('ssl_ref', sa.Text()),
        sa.Column('deleted', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('deleted_at', TIMESTAMP),
        sa.ForeignKeyConstraint(['configuration_id'], ['configurations.id'],
                                name='fk_instances_configuration_id'),
        sa.ForeignKeyConstraint(['datastore_version_id'], ['datastore_versions.id'],
                                name='fk_instances_datastore_version_id'),
        sa.ForeignKeyConstraint(['slave_of_id'], ['instances.id'], name='fk_instances_slave_of_id'),
        sa.PrimaryKeyConstraint('id', name='pk_instances'), **ENGINE)
    op.create_index('ix_instances_cluster_id', 'instances', ['cluster_id'])
    op.create_index('ix_instances_compute_instance_id', 'instances', ['compute_instance_id'])
    op.create_index('ix_instances_deleted', 'instances', ['deleted'])
    op.create_index('ix_instances_slave_of_id', 'instances', ['slave_of_id'])
    op.create_index('ix_instances_tenant_page', 'instances', ['tenant_id', 'deleted', 'id'])


def _instance_addresses() -> None:
    op.create_table(
        'instance_addresses', sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('address', sa.String(length=45), nullable=False),
        sa.Column('family', sa.Integer(), nullable=False), sa.Column('port_id',
                                                                     sa.String(length=36)),
        sa.Column('network_id', sa.String(length=36)), sa.Column('subnet_id', sa.String(length=36)),
        sa.Column('mac', sa.String(length=17)),
        sa.ForeignKeyConstraint(['instance_id'], ['instances.id'],
                                name='fk_instance_addresses_instance_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='pk_instance_addresses'), **ENGINE)
    op.create_index('ix_instance_addresses_instance_id', 'instance_addresses', ['instance_id'])


def _instance_faults() -> None:
    op.create_table(
        'instance_faults', sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('message', sa.String(length=1024), nullable=False),
        sa.Column('details', LONG_TEXT),
        sa.ForeignKeyConstraint(['instance_id'], ['instances.id'],
                                name='fk_instance_faults_instance_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('instance_id', name='pk_instance_faults'), **ENGINE)
