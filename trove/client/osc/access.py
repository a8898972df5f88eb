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

"""``openstack database instance access …``: addresses of an instance and who reaches it."""

import argparse
from typing import Any

from osc_lib import exceptions
from osc_lib.command import command

from trove.client.osc import rest, waiting


def _shown(database: Any, instance_id: str) -> Any:
    instance = rest.get(database, f'/instances/{instance_id}')['instance']
    access = instance.get('access') or {}
    fields = {
        'id': instance['id'],
        'name': instance['name'],
        'addresses': '\n'.join(f"{item['type']}: {item['address']}"
                               for item in instance.get('addresses', ())),
        'is_public': bool(access.get('is_public')),
        'allowed_cidrs': ', '.join(access.get('allowed_cidrs') or ()) or 'any',
    }
    return tuple(zip(*sorted(fields.items()), strict=True))


class ShowAccess(command.ShowOne):
    """Show the addresses of an instance and the networks that reach it."""

    _description = 'Show the addresses of an instance and the networks that reach it.'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the options of the command."""
        parser = super().get_parser(prog_name)
        parser.add_argument('instance', metavar='<instance>', help='Name or id of the instance.')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the fields of the access."""
        database = rest.client_of(self)
        return _shown(database, rest.instance_id(database, parsed_args.instance))


class _ChangeAccess(ShowAccess):

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the options of the command."""
        parser = super().get_parser(prog_name)
        public = parser.add_mutually_exclusive_group()
        public.add_argument('--public', action='store_true', default=None, dest='is_public',
                            help='Give the instance an address of the public network.')
        public.add_argument('--private', action='store_false', default=None, dest='is_public',
                            help='Take the address of the public network away.')
        cidrs = parser.add_mutually_exclusive_group()
        cidrs.add_argument('--allowed-cidr', action='append', dest='allowed_cidrs',
                           metavar='<cidr>', help='Network that is let in (repeat for several); '
                           'replaces the present ones.')
        cidrs.add_argument('--any-cidr', action='store_const', const=[], dest='allowed_cidrs',
                           help='Let every network in.')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Request the change and return the access."""
        access = {key: value for key, value in (('is_public', parsed_args.is_public),
                                                ('allowed_cidrs', parsed_args.allowed_cidrs))
                  if value is not None}
        if not access:
            raise exceptions.CommandError(
                'Nothing to change: give --public, --private, --allowed-cidr or --any-cidr.')
        database = rest.client_of(self)
        instance_id = rest.instance_id(database, parsed_args.instance)
        database.client.put(f'/instances/{instance_id}', json={'instance': {'access': access}})
        return _shown(database, instance_id)

    def shown_after(self, database: Any, shown: Any) -> Any:
        """Return the access after the change."""
        return _shown(database, waiting.identifier(shown))


class SetAccess(waiting.Waiting, _ChangeAccess):
    """Change the networks that reach an instance."""

    _description = 'Change the networks that reach an instance.'
