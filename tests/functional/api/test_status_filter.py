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

"""The status filter of the database agrees with the status that users see."""

import itertools

import pytest
from sqlalchemy import Boolean, String, literal, select

from trove.common import states
from trove.db import instance_filters, session

#: One kind for each word; the kinds of a word differ in nothing.
OPERATIONS = (None, 'something_new', 'instance_delete',
              *{word: kind for kind, word in states.OPERATION_WORDS.items()}.values())
SERVERS = (None, '', 'SOMETHING', *states.SERVER_WORDS)
ERRORS = (None, 'volume_failed')
FLAGS = (False, True)


def word(value):
    return literal(value, String(64))


@pytest.mark.parametrize('kind', OPERATIONS)
def test_every_combination_agrees(database, kind):
    names = ('server_status', 'error_code', 'drift', 'restart_required', 'backup_running',
             'cancel_wanted', 'deleted')
    # An open operation decides before all other columns.
    others = ([ERRORS, (None, 'server_missing'), FLAGS, FLAGS] if kind is None else
              [(None,), (None,), (False,), (False,)])
    combinations = list(itertools.product(SERVERS, *others, FLAGS, FLAGS))
    with session.reader() as connection:
        for start in range(0, len(combinations), 100):
            part = combinations[start:start + 100]
            columns = [{
                name: word(value) if name in names[:3] else literal(value, Boolean())
                for name, value in zip(names, values, strict=True)
            } | {
                'operation_kind': word(kind)
            }
                for values in part]
            selected = connection.execute(
                select(*(instance_filters.shown_status(found).label(f'c{number}')
                         for number, found in enumerate(columns)))).one()
            for values, status in zip(part, selected, strict=True):
                facts = states.Facts(service_status=None, heartbeat=None, operation_kind=kind,
                                     **dict(zip(names, values, strict=True)))
                assert status == states.shown(facts), facts
                assert status in states.SHOWN
