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

"""Steps that publish logs of an instance to the object store.

The guest stores pieces of a log through a URL that permits nothing else. Then pieces of former
files are removed, and a record describes the stored pieces. All objects are in the account of the
instance's project and are read with its own tools.
"""

import functools
import json
import re
from typing import Any

from trove.cloud.objects import Objects
from trove.common import exception, object_names
from trove.common.rpc import messages
from trove.common.rpc.messages import log as log_messages
from trove.db.session import Row
from trove.taskmanager import args, facts
from trove.taskmanager.step import Done, Step, Wait, Work
from trove.taskmanager.steps import base
from trove.taskmanager.steps import guest

#: Tries to delete the logs when an instance is deleted.
TRIES = 3
_FACTS = ('log_first', 'log_size', 'log_digest', 'log_file', 'log_type')
#: Accepted values of a guest: they are stored in the project's account, and decide what is deleted.
_NAME = re.compile(r'log-[0-9:.T\-]{10,40}')
_DIGEST = re.compile('[0-9a-f]{0,64}')
_FILE = re.compile(r'[A-Za-z0-9_.\- ]{0,100}')


def objects_of(work: Work) -> Objects:
    """Return the account of the instance's project."""
    return base.cloud(work).objects(base.instance(work).tenant_id)


def prefix_of(work: Work[args.Log, Any]) -> str:
    row = base.instance(work)
    return object_names.log_prefix(row.id, row.manager, work.args['log'])


def record_of(work: Work[args.Log, Any]) -> str:
    row = base.instance(work)
    return object_names.log_record(row.id, row.manager, work.args['log'])


def key_of(work: Work) -> bytes:
    """Return the key that signs URLs for the logs of a project; it is always the same."""
    container = work.tools.conf.guest_log_container_name
    return work.tools.keys.for_purpose(
        f'temporary URLs of {base.instance(work).tenant_id}/{container}')


def authorities(path: str | None) -> str:
    """Return the certificates that guests trust, from the operator's file; empty without a file.

    :raises StepFailed: the file is unusable.
    """
    if not path:
        return ''
    try:
        with open(path, encoding='ascii') as file:
            text = file.read(log_messages.MOST_AUTHORITIES + 1)
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from error
    if len(text) > log_messages.MOST_AUTHORITIES:
        raise _unusable(
            path,
            f'it has more than {log_messages.MOST_AUTHORITIES} characters; name only your own')
    return text


def _unusable(path: str, why: str) -> exception.StepFailed:
    return exception.StepFailed(
        'The certificates for guests cannot be used; contact the operator.',
        code='internal', detail=f'guest_swift_ca_file {path}: {why}')


class ContainerReady(Step[args.Nothing, facts.Nothing]):
    """The container exists and accepts the URLs that the task manager signs."""

    def run(self, work: Work) -> Done:
        try:
            objects_of(work).ensure_key(work.tools.conf.guest_log_container_name, key_of(work))
        except exception.CloudError as error:
            raise base.failing_as('object_store_failed', error) from error
        return Done()


class LogStored(guest.Command[args.PublishLog, facts.StoredLog]):
    """The guest has stored the new part of the log."""

    creates = frozenset({'objects'})
    gives = guest.Command.gives | frozenset(_FACTS)
    kind = 'PublishLog'
    what = 'the log to be stored'

    def command(self, work: Work[args.PublishLog, facts.StoredLog], row: Row,
                seconds: int) -> messages.Command:
        conf, prefix = work.tools.conf, prefix_of(work)
        url, query = objects_of(work).temporary_url(
            conf.guest_log_container_name, prefix, key_of(work), method='PUT', prefix=True,
            seconds=seconds + guest.RESEND_AFTER)
        return messages.PublishLog(command_id=self.id_of(work), operation_id=work.id,
                                   deadline=seconds, name=work.args['log'], url=url, query=query,
                                   verify=not conf.swift_api_insecure, authorities=authorities(
                                       conf.guest_swift_ca_file), piece=conf.guest_log_limit,
                                   expiry=conf.guest_log_expiry, start_over=work.args['start_over'])

    def limit(self, work: Work) -> int:
        return work.tools.conf.guest_log_timeout

    def may_pass(self, failure: exception.GuestError) -> bool:
        return failure.code == 'guest_log_failed' or super().may_pass(failure)

    def done(self, work: Work, data: dict[str, Any]) -> Done:
        log = data.get('log')
        is_system = isinstance(log, dict) and log.get('type') == 'SYS'
        return Done(
            facts={
                'log_first': _matching(_NAME, data.get('first')),
                'log_size': _size(data.get('size')),
                'log_digest': _matching(_DIGEST, data.get('digest')),
                'log_file': _matching(_FILE, data.get('file')),
                'log_type': 'SYS' if is_system else 'USER'
            })


def _matching(pattern: re.Pattern, value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ''


def _size(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2 ** 63 else 0


class FormerPiecesRemoved(Step[args.Log, facts.StoredLog]):
    """Pieces of a former or discarded file are removed."""

    needs = frozenset({'log_first'})

    def run(self, work: Work[args.Log, facts.StoredLog]) -> Done:
        first = work.facts['log_first']
        if not first:
            return Done(note='nothing is stored')
        prefix = prefix_of(work)
        return _removed(work, prefix, before=prefix + first)


class RecordStored(Step[args.Log, facts.StoredLog]):
    """The record beside the pieces describes them."""

    needs = frozenset(_FACTS)

    def run(self, work: Work[args.Log, facts.StoredLog]) -> Done:
        conf, facts = work.tools.conf, work.facts
        content = {
            'log_name': work.args['log'],
            'log_type': facts['log_type'],
            'log_file': facts['log_file'],
            'log_size': facts['log_size'],
            'log_header_digest': facts['log_digest']
        }
        headers = {'Content-Type': 'application/json'}
        if conf.guest_log_expiry:
            headers['X-Delete-After'] = str(conf.guest_log_expiry)
        try:
            objects_of(work).put(conf.guest_log_container_name, record_of(work),
                                 json.dumps(content).encode(), headers)
        except exception.CloudError as error:
            raise base.failing_as('object_store_failed', error) from error
        return Done(events=[(f'{work.kind}.stored',
                             f'{facts["log_size"]} bytes of the log {work.args["log"]} are '
                             f'stored.')])


class LogForgotten(guest.Command[args.Log, facts.Command]):
    """The guest has forgotten the published position, so the next publish stores the whole log."""

    kind = 'DiscardLog'
    what = 'the guest to forget what was stored'

    def command(self, work: Work[args.Log, facts.Command], row: Row,
                seconds: int) -> messages.Command:
        return messages.DiscardLog(command_id=self.id_of(work), operation_id=work.id,
                                   deadline=seconds, name=work.args['log'])

    def limit(self, work: Work) -> int:
        return work.tools.conf.agent_call_high_timeout


class PiecesRemoved(Step[args.Log, facts.Nothing]):
    """All pieces and the record are removed."""

    def run(self, work: Work[args.Log, facts.Nothing]) -> Done | Wait:
        done = _removed(work, prefix_of(work))
        _request(
            functools.partial(
                objects_of(work).delete, work.tools.conf.guest_log_container_name, record_of(work)))
        return done


class LogsGone(Step[args.Nothing, facts.Nothing]):
    """The logs of the instance in the account of its project are removed.

    An unreachable account does not prevent the delete of the instance: the objects expire, and
    ``trove-manage orphans`` finds them.
    """

    removes = frozenset({'objects'})
    #: The step itself limits its tries.
    attempts = None

    def run(self, work: Work) -> Done:
        container, project = work.tools.conf.guest_log_container_name, work.project_id
        if project is None:
            return Done(note='the operation has no project')
        try:
            deleted = base.cloud(work).objects(project).delete_all(container,
                                                                   f'{work.resource_id}/')
        except exception.ObjectStoreMissing:
            return Done(note='the cloud has no object store')
        except exception.CloudError as error:
            if error.retriable and work.attempt < TRIES:
                raise base.failing_as('object_store_failed', error) from error
            # Without access to the account nothing was stored there either.
            events = [(f'{work.kind}.logs_left',
                       'The published logs could not be deleted; the object store deletes them '
                       'when they expire.')] if error.retriable else ()
            return Done(events=events, note=f'not removed: {error.detail}'[:1000])
        return Done(note=f'{deleted} objects removed')


def _removed(work: Work, prefix: str, *, before: str = '') -> Done:
    deleted = _request(
        functools.partial(
            objects_of(work).delete_all, work.tools.conf.guest_log_container_name, prefix,
            before=before))
    return Done(note=f'{deleted} pieces removed')


def _request(send: Any) -> Any:
    try:
        return send()
    except exception.CloudError as error:
        raise base.failing_as('object_store_failed', error) from error
