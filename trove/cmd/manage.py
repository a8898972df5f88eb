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

"""trove-manage: commands of operators on the service's own data."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from trove.db.session import Row

from trove.cmd import guest_bus, housekeeping
from trove.cmd.housekeeping import CommandError
from trove.common import cfg as options
from trove.common import engines
from trove.db import datastores, instance_keys, migration, modules, session

CONF = cfg.CONF

PARAMETER_TYPES = ('string', 'integer', 'boolean', 'float')


# --- schema --------------------------------------------------------------------------------------

def db_sync(version: str | None) -> None:
    """Upgrade the database to the newest schema (or to --version)."""
    before, after = migration.sync(version)
    changed = f'went from {before or "nothing"} to {after}'
    print(f'The schema {changed if before != after else f"is at {after}"}.')


def db_version() -> None:
    """Show the schema of the database and the newest one this release knows."""
    with session.engine().connect() as connection:
        print(f'{migration.current(connection) or "none"} (newest: {migration.head()})')


# --- datastores ----------------------------------------------------------------------------------

def _datastore(connection: Any, name: str) -> Row:
    row = datastores.find(connection, name)
    if row is None:
        raise CommandError(f'Datastore {name} cannot be found. Create it with its first version: '
                           f'trove-manage datastore_version_update {name} ...')
    return row


def _version(connection: Any, datastore: str, name: str, number: str | None = None) -> Row:
    found = datastores.find_versions(connection, _datastore(connection, datastore).id, name, number)
    if not found:
        raise CommandError(f'Datastore {datastore} has no version '
                           f'{name}{f" with number {number}" if number else ""}.')
    if len(found) > 1:
        numbers = ', '.join(row.version for row in found)
        raise CommandError(f'Datastore {datastore} has several versions {name}; choose one with '
                           f'--version: {numbers}')
    return found[0]


def datastore_update(datastore_name: str, default_version: str) -> None:
    """Create a datastore, or set its default version (an empty default_version clears it)."""
    with session.writer() as connection:
        datastore_id = datastores.ensure_datastore(connection, datastore_name)
        version_id = None
        if default_version:
            version_id = _version(connection, datastore_name, default_version).id
        datastores.set_default_version(connection, datastore_id, version_id)
    print(f'Datastore {datastore_name} has '
          f'{f"default version {default_version}" if version_id else "no default"}.')


def datastore_version_update(datastore: str, version_name: str, manager: str, image_id: str,
                             packages: str, active: str, version: str | None,
                             image_tags: str | None, registry_ext: str | None,
                             repl_strategy: str | None) -> None:
    """Create or change a version of a datastore; create the datastore if it is missing."""
    if not image_id and not image_tags:
        raise CommandError('Give image_id, or --image-tags with an empty image_id ("").')
    if manager not in engines.known():
        raise CommandError(f'Manager {manager} is not one of {", ".join(sorted(engines.known()))}.')
    values = {
        'manager': manager,
        'image_id': image_id or None,
        'image_tags': image_tags,
        'packages': packages,
        'active': _flag('active', active),
        'registry_ext': registry_ext or f'trove.guestagent.datastore.{manager}',
        'repl_strategy': repl_strategy or CONF[manager].replication_strategy
    }
    with session.writer() as connection:
        datastore_id = datastores.ensure_datastore(connection, datastore)
        version_id = datastores.put_version(connection, datastore_id, version_name,
                                            version or version_name, values)
    print(f'Version {version_name} of datastore {datastore} is {version_id}.')


def _flag(name: str, text: str) -> bool:
    words = {'1': True, 'true': True, 'yes': True, 'on': True,
             '0': False, 'false': False, 'no': False, 'off': False}
    if text.lower() not in words:
        raise CommandError(f'{name} must be 1 or 0, not {text!r}.')
    return words[text.lower()]


def db_load_datastore_config_parameters(datastore: str, datastore_version: str,
                                        config_file_location: str, version: str | None) -> None:
    """Replace the parameter rules of a version by those of a validation-rules.json."""
    rules = _read_rules(config_file_location)
    with session.writer() as connection:
        row = _version(connection, datastore, datastore_version, version)
        datastores.replace_parameters(connection, row.id, rules)
    print(f'Version {datastore_version} of datastore {datastore} has {len(rules)} parameters.')


def _read_rules(path: str) -> list[dict[str, Any]]:
    try:
        with open(path, encoding='utf-8') as file:
            found = json.load(file)['configuration-parameters']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f'{path} is no file of parameter rules (an object with a list '
                           f'"configuration-parameters"): {error}') from error
    return [_rule(path, rule) for rule in found]


def _rule(path: str, rule: Any) -> dict[str, Any]:
    name = rule.get('name') if isinstance(rule, dict) else None
    if not name or rule.get('type') not in PARAMETER_TYPES:
        raise CommandError(f'{path}: rule {name or rule!r} needs a name and a type out of '
                           f'{", ".join(PARAMETER_TYPES)}.')
    sizes = {column: None if rule.get(key) is None else str(rule[key])
             for column, key in (('max_size', 'max'), ('min_size', 'min'))}
    return {
        'name': name,
        'data_type': rule['type'],
        'restart_required': bool(rule.get('restart_required')),
        **sizes
    }


def db_remove_datastore_config_parameters(datastore: str, datastore_version: str,
                                          version: str | None) -> None:
    """Remove all parameter rules of a version."""
    with session.writer() as connection:
        row = _version(connection, datastore, datastore_version, version)
        datastores.replace_parameters(connection, row.id, [])
    print(f'Version {datastore_version} of datastore {datastore} has no parameters.')


# --- flavors and volume types of a version -------------------------------------------------------

def _bind(key: str) -> Callable[..., None]:
    def add(datastore_name: str, datastore_version_name: str, values: str,
            version: str | None) -> None:
        now = session.utcnow()
        with session.writer() as connection:
            row = _version(connection, datastore_name, datastore_version_name, version)
            added = [
                value for value in values.split(',')
                if datastores.bind(connection, row.id, key, value, now)
            ]
        print(f'Added: {", ".join(added) or "nothing, all exist"}.')

    add.__doc__ = (f'Restrict a version to {key.replace("_", " ")}s (a comma separated list), in '
                   f'addition to present ones.')
    return add


def _unbind(key: str) -> Callable[..., None]:
    def remove(datastore_name: str, datastore_version_name: str, value: str,
               version: str | None) -> None:
        with session.writer() as connection:
            row = _version(connection, datastore_name, datastore_version_name, version)
            if not datastores.unbind(connection, row.id, key, value):
                raise CommandError(
                    f'Version {datastore_version_name} is not restricted to {value}.')
        print(f'Removed: {value}.')
    remove.__doc__ = f'Remove a {key.replace("_", " ")} from the restrictions of a version.'
    return remove


def _list_bound(key: str) -> Callable[..., None]:
    def show(datastore_name: str, datastore_version_name: str, version: str | None) -> None:
        with session.reader() as connection:
            row = _version(connection, datastore_name, datastore_version_name, version)
            found = datastores.bound(connection, row.id, key)
        print('\n'.join(found) if found else 'Not restricted.')
    show.__doc__ = f'List the {key.replace("_", " ")}s a version is restricted to.'
    return show


# --- keys ----------------------------------------------------------------------------------------

def rotate_instance_keys() -> None:
    """Reseal keys of instances and modules after a change of inst_rpc_key_encr_key."""
    from trove.common.rpc import keys

    ring = keys.KeyRing.from_conf(CONF)
    changed = 0
    with session.writer() as connection:
        for row in instance_keys.sealed(connection):
            if not ring.is_current(row.encrypted_key):
                instance_keys.replace(connection, row.id, row.encrypted_key,
                                      ring.reseal(row.id, row.encrypted_key))
                changed += 1
    contents = 0
    for module_id in session.read(modules.not_sealed_as, f'{ring.current_prefix}%'):
        former = session.read(modules.contents, module_id)
        session.write(modules.set_sealed, module_id, former, ring.reseal(module_id, former))
        contents += 1
    print(f'Resealed {changed} keys and the contents of {contents} modules. They no longer need '
          f'inst_rpc_key_encr_old_keys.')


# --- the contract --------------------------------------------------------------------------------

def openapi() -> None:
    """Print the OpenAPI 3.1 document of the API, as JSON."""
    from trove.common import api

    print(json.dumps(api.contract(), indent=2))


# --- the command line ----------------------------------------------------------------------------

_NUMBER = ('--version', {'help': 'version number, where several versions have the same name'})
_OF_VERSION = ['datastore_name', 'datastore_version_name']


def _option(name: str, text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return name, {'help': text, **more}


def _commands() -> dict[str, tuple[Callable[..., None], list[Any]]]:
    """Return (function, arguments) by command name.

    An argument is a name or (name, keywords of add_argument).
    """
    found: dict[str, tuple[Callable[..., None], list[Any]]] = {
        'db_sync': (db_sync, [_option('--version', 'target revision')]),
        'db_version': (db_version, []),
        'datastore_update': (datastore_update, ['datastore_name', 'default_version']),
        'datastore_version_update': (datastore_version_update, [
            'datastore', 'version_name', 'manager', 'image_id', 'packages', 'active',
            _option('--version', 'version number; default: version_name'),
            _option('--image-tags', 'comma separated; the newest image with all of them is used'),
            _option('--registry-ext', 'stored for readers of the version; not used'),
            _option('--repl-strategy', "replication strategy; default: the manager's own")]),
        'db_load_datastore_config_parameters': (db_load_datastore_config_parameters, [
            'datastore', 'datastore_version', 'config_file_location', _NUMBER]),
        'db_remove_datastore_config_parameters': (db_remove_datastore_config_parameters, [
            'datastore', 'datastore_version', _NUMBER]),
        'rotate_instance_keys': (rotate_instance_keys, []),
        'purge': (housekeeping.purge, [
            _option('--older-than', 'days since a row was deleted', default='30', metavar='DAYS'),
            _option('--batch', 'rows removed in one transaction', default='200', metavar='ROWS'),
            _option('--dry-run', 'only report the number of rows', action='store_true')]),
        'quota_recount': (housekeeping.quota_recount, [
            _option('--project', 'only this project'),
            _option('--dry-run', 'only report the differences', action='store_true')]),
        'orphans': (housekeeping.orphans, [
            _option('--delete', 'delete resources without an instance; read the report first: '
                    'resources of another database service in the same project are deleted too',
                    action='store_true'),
            _option('--timeout', 'seconds until --delete gives up', default='120',
                    metavar='SECONDS')]),
        'guest_bus': (guest_bus.guest_bus, [
            _option('action', 'check: list the differences; repair: create missing parts and '
                    'remove those without an instance', choices=('check', 'repair'))]),
        'openapi': (openapi, []),
    }
    for key in ('flavor', 'volume_type'):
        found[f'datastore_version_{key}_add'] = (
            _bind(key), [*_OF_VERSION, ('values', {'metavar': f'{key}_ids'}), _NUMBER])
        found[f'datastore_version_{key}_delete'] = (
            _unbind(key), [*_OF_VERSION, ('value', {'metavar': f'{key}_id'}), _NUMBER])
        found[f'datastore_version_{key}_list'] = (_list_bound(key), [*_OF_VERSION, _NUMBER])
    return found


def add_commands(subparsers: Any) -> None:
    for name, (function, arguments) in _commands().items():
        parser = subparsers.add_parser(name, help=function.__doc__, description=function.__doc__,
                                       formatter_class=argparse.RawDescriptionHelpFormatter)
        destinations = {}
        for argument in arguments:
            word, keywords = argument if isinstance(argument, tuple) else (argument, {})
            parameter = word.lstrip('-').replace('-', '_')
            # A prefix keeps arguments apart from options, such as datastore_version.
            destinations[parameter] = f'argument_{parameter}'
            if keywords.get('action') == 'store_true':
                parser.add_argument(word, dest=destinations[parameter], **keywords)
            elif word.startswith('-'):
                parser.add_argument(word, dest=destinations[parameter],
                                    **{'metavar': parameter.upper(), **keywords})
            else:
                parser.add_argument(destinations[parameter], **{'metavar': word, **keywords})
        parser.set_defaults(function=function, destinations=destinations)


def main(argv: Sequence[str] | None = None) -> None:
    CONF.register_cli_opt(cfg.SubCommandOpt('command', title='commands', handler=add_commands))
    logging.register_options(CONF)
    # Commands print to standard output; warnings of the log go to standard error.
    CONF.set_default('use_stderr', True)
    logging.set_defaults(default_log_levels=[*logging.get_default_log_levels(), 'alembic=WARN'])
    options.parse(list(sys.argv[1:] if argv is None else argv), program='trove-manage')
    if not CONF.command.name:
        sys.exit('A command is required; trove-manage --help lists the commands.')
    # Migrations and purges of large tables have no timeout.
    CONF.set_override('database_answer_timeout', 0)
    values = {
        name: getattr(CONF.command, where)
        for name, where in CONF.command.destinations.items()
    }
    try:
        CONF.command.function(**values)
    except (CommandError, migration.SchemaError) as error:
        sys.exit(f'{CONF.command.name}: {error}')


if __name__ == '__main__':
    main()
