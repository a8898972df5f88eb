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

"""``openstack database operation …`` and ``openstack database event list``."""

import argparse
from typing import Any

from osc_lib.command import command

from trove.client.osc import rest, waiting

_COLUMNS = ('ID', 'Kind', 'State', 'Step', 'Progress', 'Created', 'Finished', 'Error')
_EVENT_COLUMNS = ('Time', 'Type', 'Text', 'Operation ID')


class _OfInstance(command.Lister):
    """List of something that belongs to an instance, newest first."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the options of the command."""
        parser = super().get_parser(prog_name)
        parser.add_argument('instance', metavar='<instance>', help='Name or id of the instance.')
        parser.add_argument('--limit', type=rest.positive, default=20, metavar='<number>',
                            help='Show at most this many, newest first (default: 20).')
        return parser

    def rows(self, parsed_args: argparse.Namespace, key: str) -> list[dict[str, Any]]:
        """Return the items of a list of the instance.

        :param key: last segment of the URL, and key of the list in the body.
        """
        database = rest.client_of(self)
        instance_id = rest.instance_id(database, parsed_args.instance)
        return rest.page(database, f'/instances/{instance_id}/{key}', key, parsed_args.limit)


def _row(operation: dict[str, Any]) -> tuple[Any, ...]:
    error = operation['error'] or {}
    return (operation['id'], operation['kind'], operation['state'], operation['step'] or '',
            f"{operation['position']}/{operation['steps_total']}", operation['created'],
            operation['finished'] or '', error.get('message') or '')


class ListOperations(_OfInstance):
    """List the operations of an instance, newest first."""

    _description = 'List the operations of an instance, newest first.'

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the columns and a row for each operation."""
        found = self.rows(parsed_args, 'operations')
        return _COLUMNS, [_row(operation) for operation in found]


def _shown(operation: dict[str, Any]) -> Any:
    error = operation.pop('error') or {}
    steps = operation.pop('steps', None)
    children = operation.pop('children', None)
    operation['error_code'], operation['error'] = error.get('code'), error.get('message')
    if steps is not None:
        operation['steps'] = '\n'.join(
            f"{step['name']} #{step['attempt']} {step['outcome'] or 'running'}"
            + (f": {step['note']}" if step['note'] else '') for step in steps)
    if children is not None:
        operation['children'] = '\n'.join(
            f"{child['id']} {child['kind']} {child['state']}" for child in children)
    return tuple(zip(*sorted(operation.items()), strict=True))


class ShowOperation(command.ShowOne):
    """Show an operation and its steps."""

    _description = 'Show an operation and its steps.'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the options of the command."""
        parser = super().get_parser(prog_name)
        parser.add_argument('operation', metavar='<operation>', help='Id of the operation.')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the fields of the operation."""
        database = rest.client_of(self)
        return _shown(rest.get(database, f'/operations/{parsed_args.operation}')['operation'])


class _Action(ShowOperation):
    """Request of an action on an operation; shows the operation that results from it."""

    action = ''

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        database = rest.client_of(self)
        with waiting.recorded_operations(database) as operation_ids:
            rest.post(database, f'/operations/{parsed_args.operation}/action', {self.action: {}})
        operation_id = operation_ids[0] if operation_ids else parsed_args.operation
        return _shown(rest.get(database, f'/operations/{operation_id}')['operation'])

    def shown_after(self, database: Any, shown: Any) -> Any:
        """Return the operation as it ended."""
        operation_id = waiting.identifier(shown)
        return _shown(rest.get(database, f'/operations/{operation_id}')['operation'])


class CancelOperation(waiting.Waiting, _Action):
    """Cancel an operation and revert its steps."""

    action = 'cancel'
    _description = 'Cancel an operation that is under way and revert its steps.'
    expected = ('cancelled', 'succeeded')


class RetryOperation(waiting.Waiting, _Action):
    """Continue an operation now, or repeat one that failed or was cancelled."""

    action = 'retry'
    _description = ('Continue an operation that pauses after a failure now, or repeat one that '
                    'failed or was cancelled.')


class ListEvents(_OfInstance):
    """List the events of an instance, newest first."""

    _description = 'List the events of an instance, newest first.'

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the columns and a row for each event."""
        return _EVENT_COLUMNS, [(event['time'], event['type'], event['text'],
                                 event['operation_id'] or '')
                                for event in self.rows(parsed_args, 'events')]
