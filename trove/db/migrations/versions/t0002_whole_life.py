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

"""Columns, tables and indexes for the whole life of an instance and the whole REST API.

Revision ID: t0002
Revises: t0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = 't0002'
down_revision = 't0001'

ENGINE = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4'}
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), 'mysql', 'mariadb')


def upgrade() -> None:
    """Upgrade the schema, with a function for each subject."""
    _backup_strategy()
    _backup_failures()
    _modules()
    _instance_modules()
    _duties()
    _notifications()
    _drift()
    _lifecycle()
    _configuration()
    _page_indexes()


def _backup_strategy() -> None:
    op.create_table(
        'backup_strategy',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('tenant_id', sa.String(length=36), nullable=False),
        sa.Column('instance_id', sa.String(length=36), server_default='', nullable=False),
        sa.Column('backend', sa.String(length=255), nullable=False),
        sa.Column('swift_container', sa.String(length=255), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_backup_strategy'),
        sa.UniqueConstraint('tenant_id', 'instance_id', name='uq_backup_strategy_tenant_instance'),
        **ENGINE)


def _backup_failures() -> None:
    with op.batch_alter_table('backups') as table:
        table.add_column(sa.Column('error_code', sa.String(length=64)))
        table.add_column(sa.Column('error_text', sa.String(length=1024)))


def _modules() -> None:
    op.create_table(
        'modules',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=255), nullable=False),
        sa.Column('type', sa.String(length=255), nullable=False),
        sa.Column('description', sa.String(length=255)),
        sa.Column('contents', LONG_TEXT, nullable=False),
        sa.Column('md5', sa.String(length=32), nullable=False),
        sa.Column('tenant_id', sa.String(length=36)),
        sa.Column('datastore_id', sa.String(length=36)),
        sa.Column('datastore_version_id', sa.String(length=36)),
        sa.Column('auto_apply', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('visible', sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column('live_update', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('priority_apply', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('apply_order', sa.Integer(), server_default=sa.text('5'), nullable=False),
        sa.Column('is_admin', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.Column('deleted', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('deleted_at', TIMESTAMP),
        sa.Column('identity', sa.String(length=64)),
        sa.PrimaryKeyConstraint('id', name='pk_modules'),
        sa.UniqueConstraint('identity', name='uq_modules_identity'),
        **ENGINE)
    op.create_index('ix_modules_tenant_id', 'modules', ['tenant_id'])


def _instance_modules() -> None:
    op.create_table(
        'instance_modules', sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('instance_id', sa.String(length=36), nullable=False),
        sa.Column('module_id', sa.String(length=36), nullable=False),
        sa.Column('md5', sa.String(length=32), nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.Column('updated', TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(['instance_id'], ['instances.id'],
                                name='fk_instance_modules_instance_id', ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['module_id'], ['modules.id'], name='fk_instance_modules_module_id',
                                ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='pk_instance_modules'),
        sa.UniqueConstraint('instance_id', 'module_id', name='uq_instance_modules_instance_module'),
        **ENGINE)
    op.create_index('ix_instance_modules_module_id', 'instance_modules', ['module_id'])


def _duties() -> None:
    op.create_table(
        'duties',
        sa.Column('name', sa.String(length=128), nullable=False),
        sa.Column('owner', sa.String(length=128)),
        sa.Column('claim', sa.Integer(), nullable=False),
        sa.Column('lease_until', TIMESTAMP),
        sa.Column('due_at', TIMESTAMP, nullable=False),
        sa.Column('done_until', TIMESTAMP),
        sa.PrimaryKeyConstraint('name', name='pk_duties'),
        **ENGINE)


def _notifications() -> None:
    op.create_table(
        'notifications',
        sa.Column('seq',
                  sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True,
                  nullable=False), sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('event_type', sa.String(length=128), nullable=False),
        sa.Column('publisher_id', sa.String(length=255), nullable=False),
        sa.Column('payload', LONG_TEXT, nullable=False),
        sa.Column('created', TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint('seq', name='pk_notifications'),
        sa.UniqueConstraint('id', name='uq_notifications_id'), **ENGINE)
    with op.batch_alter_table('operations') as table:
        table.add_column(sa.Column('client_address', sa.String(length=64)))


def _drift() -> None:
    with op.batch_alter_table('instances') as table:
        table.add_column(sa.Column('drift', sa.String(length=64)))
    with op.batch_alter_table('service_statuses') as table:
        table.add_column(sa.Column('unreachable_since', TIMESTAMP))


def _lifecycle() -> None:
    with op.batch_alter_table('operations') as table:
        table.add_column(
            sa.Column('failures', sa.Integer(), server_default=sa.text('0'), nullable=False))
        table.add_column(sa.Column('started', TIMESTAMP))
    with op.batch_alter_table('instances') as table:
        table.add_column(sa.Column('desired_version_id', sa.String(length=36)))


def _configuration() -> None:
    with op.batch_alter_table('instances') as table:
        table.add_column(sa.Column('configuration_digest', sa.String(length=64)))


def _page_indexes() -> None:
    """Create the index that finds the replicas of each instance of a page.

    Drop the index on ``deleted``: it is false in most rows, and databases preferred it to the index
    of the page.
    """
    op.create_index('ix_instances_replicas', 'instances', ['slave_of_id', 'deleted'])
    op.drop_index('ix_instances_slave_of_id', 'instances')
    op.drop_index('ix_instances_deleted', 'instances')
