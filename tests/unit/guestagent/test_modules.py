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

"""Modules in the guest: their drivers, and what the guest stores."""

import base64
import hashlib
import os
import stat

import pytest

from trove.common import exception
from trove.common.rpc import messages
from trove.guestagent.modules import drivers
from trove.guestagent.modules.store import Modules
from trove.guestagent.system.machine import Machine

ID = '11111111-2222-4333-8444-555555555555'
OTHER = '11111111-2222-4333-8444-666666666666'


@pytest.mark.parametrize('contents,message', [(b'message=hello\n', 'hello'),
                                              (b'a=b\n Message = hello = you \n', 'hello = you'),
                                              (b'message=', ''),
                                              (b'message=' + b'x' * 300, 'x' * 255),
                                              ('message=wörld'.encode(), 'wörld')])
def test_ping_answers_with_its_message(contents, message):
    assert drivers.Ping().apply(contents) == message


@pytest.mark.parametrize('contents', [b'', b'hello', b'messages=hello', b'\xff\xfe'])
def test_ping_names_the_missing_line(contents):
    with pytest.raises(drivers.ModuleRefused):
        drivers.Ping().apply(contents)


@pytest.mark.parametrize('sent,taken', [('bWVzc2FnZT0x', b'message=1'), ('message=1', b'message=1'),
                                        ('a b', b'a b')])
def test_contents_are_base64_or_as_they_are(sent, taken):
    assert drivers.decoded(sent) == taken


@pytest.fixture
def modules(tmp_path):
    return Modules(Machine(str(tmp_path / 'state'), runtime_directory=str(tmp_path / 'run')),
                   lambda: str(tmp_path / 'data/modules'))


def command(text='message=hello', module_id=ID, **more):
    contents = base64.b64encode(text.encode()).decode()
    return messages.ApplyModule(
        **{
            'id': module_id,
            'name': 'n',
            'type': 'ping',
            'contents': contents,
            'md5': hashlib.md5(contents.encode()).hexdigest(),
            **more
        })


def listed(modules, include_contents=False):
    return modules.list(messages.ListModules(include_contents=include_contents))['modules']


def test_nothing_is_there_at_first(modules):
    assert listed(modules) == []


def test_what_is_applied_is_listed_until_it_is_removed(modules):
    shown = modules.apply(command())['module']
    assert (shown['status'], shown['message'], shown['contents']) == ('OK', 'hello', None)
    assert messages.checked_modules(listed(modules)) == [shown]
    assert base64.b64decode(listed(modules, True)[0]['contents']) == b'message=hello'
    assert modules.remove(messages.RemoveModule(id=ID, type='ping')) == {}
    assert listed(modules) == []
    with pytest.raises(exception.GuestError) as refused:
        modules.remove(messages.RemoveModule(id=ID, type='ping'))
    assert refused.value.code == 'guest_not_found_module'


def test_applying_again_keeps_when_it_was_first_applied(modules):
    first = modules.apply(command())['module']
    again = modules.apply(command('message=bye'))['module']
    assert (again['created'], again['message']) == (first['created'], 'bye')
    assert len(listed(modules)) == 1


def test_a_refusal_by_a_driver_is_reported_and_kept(modules):
    shown = modules.apply(command('nothing'))['module']
    assert shown['status'] == 'ERROR' and 'message=' in shown['message']
    other = modules.apply(command(module_id=OTHER, type='new_relic_license'))['module']
    assert other['message'] == 'This server has no driver for modules of type new_relic_license.'
    assert len(listed(modules)) == 2
    modules.remove(messages.RemoveModule(id=OTHER, type='new_relic_license'))


def test_contents_that_were_changed_on_the_way_are_refused(modules):
    with pytest.raises(exception.GuestError) as refused:
        modules.apply(command(md5=32 * '0'))
    assert refused.value.code == 'guest_invalid_message'
    assert listed(modules) == []


def test_nobody_else_reads_them(modules, tmp_path):
    modules.apply(command())
    place = tmp_path / 'data/modules'
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o700
    for name in os.listdir(place / ID):
        assert stat.S_IMODE(os.stat(place / ID / name).st_mode) == 0o600


def test_a_driver_that_cannot_remove_keeps_its_module(tmp_path):
    class Stubborn(drivers.Ping):
        def remove(self, contents):
            raise drivers.ModuleRefused('It does not come off.')

    modules = Modules(Machine(str(tmp_path / 'state'), runtime_directory=str(tmp_path / 'run')),
                      lambda: str(tmp_path / 'modules'), {'ping': Stubborn()})
    modules.apply(command())
    with pytest.raises(exception.GuestError, match='does not come off'):
        modules.remove(messages.RemoveModule(id=ID, type='ping'))
    assert len(listed(modules)) == 1


def test_reports_of_a_guest_are_checked():
    shown = {
        'id': ID,
        'name': 'n',
        'type': 'ping',
        'md5': 32 * 'a',
        'status': 'OK',
        'message': 'm',
        'created': None
    }
    assert messages.checked_modules([shown]) == [shown]
    for wrong in ({
            'status': 'FINE'
    }, {
            'id': 'x'
    }, {
            'md5': 'x'
    }, {
            'created': 'now'
    }, {
            'visible': 1
    }):
        with pytest.raises(exception.GuestError):
            messages.checked_modules([{**shown, **wrong}])
    with pytest.raises(exception.GuestError):
        messages.checked_modules(None)
