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

import types
from urllib import parse

from oslo_config import cfg
import oslo_messaging
import pytest

from trove.common import cfg as options
from trove.common import exception
from trove.common.rpc import broker, keys

ID = '11111111-2222-4333-8444-555555555555'
KEY = b'k' * 32


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    options.register(made, ('rpc',))
    made([], default_config_files=[], default_config_dirs=[])
    made.set_override('transport_url', 'rabbit://control:secret@broker:5671/guests', 'guest_bus')
    return made


class Recorder:
    """Stand-in for the broker that records requests and fails on demand."""

    def __init__(self, failure=None):
        self.requests = []
        self._failure = failure

    def __getattr__(self, name):
        def ask(*args, **kwargs):
            if self._failure:
                raise self._failure
            self.requests.append((name, *args, *kwargs.values()))
        return ask


def test_identity_is_made_whole(conf):
    recorder = Recorder()
    broker.Broker(conf, recorder, recorder).ensure_guest(ID, KEY)
    user = f'guest-{ID}'
    assert recorder.requests == [
        ('declare_guest', ID, 'trove-conductor'),
        ('put_user', user, keys.broker_password(KEY)),
        ('put_limit', user, 'max-connections', 4), ('put_limit', user, 'max-channels', 8),
        ('put_permissions', user, '^$', rf'^g\.{ID}\.out$', rf'^guestagent\.{ID}$')]


def test_account_goes_first_because_that_closes_the_connections(conf):
    recorder = Recorder()
    broker.Broker(conf, recorder, recorder).remove_guest(ID)
    assert recorder.requests == [('delete_user', f'guest-{ID}'), ('delete_guest', ID)]


def test_without_provisioning_no_account_is_made(conf):
    conf.set_override('provision', False, 'guest_bus')
    recorder = Recorder()
    made = broker.Broker(conf, recorder, None)
    made.ensure_guest(ID, KEY)
    made.remove_guest(ID)
    assert [request[0] for request in recorder.requests] == ['declare_guest', 'delete_guest']
    assert broker.guest_transport_url(conf, ID, KEY) is None


@pytest.mark.parametrize('bad', ['', 'x', ID + '/..', ID.replace('1', '.'), '../users'])
def test_what_is_no_id_reaches_no_request(conf, bad):
    recorder = Recorder()
    made = broker.Broker(conf, recorder, recorder)
    for action in (lambda: made.ensure_guest(bad, KEY), lambda: made.remove_guest(bad),
                   lambda: broker.guest_transport_url(conf, bad, KEY)):
        with pytest.raises(ValueError):
            action()
    assert recorder.requests == []


def test_trouble_with_the_broker_is_coded(conf):
    down = Recorder(oslo_messaging.MessageDeliveryFailure('down'))
    with pytest.raises(exception.BrokerError) as failure:
        broker.Broker(conf, down, Recorder()).ensure_guest(ID, KEY)
    assert failure.value.code == 'broker_error'


@pytest.mark.parametrize('hosts, expected', [([], ['broker:5671']),
                                             (['10.0.0.1:5672'], ['10.0.0.1:5672']),
                                             (['a:1', 'b:2'], ['a:1', 'b:2'])])
def test_guest_url_names_its_own_account_and_hosts(conf, hosts, expected):
    conf.set_override('guest_hosts', hosts, 'guest_bus')
    url = broker.guest_transport_url(conf, ID, KEY)
    account = f'guest-{ID}:{keys.broker_password(KEY)}'
    assert url == 'rabbit://' + ','.join(f'{account}@{host}' for host in expected) + '/guests'
    assert 'secret' not in url


def test_guest_url_keeps_settings_and_quotes_the_host(conf):
    conf.set_override('transport_url', 'rabbit://c:s@[fd00::1]:5671/a%2Fb?ssl=1', 'guest_bus')
    parts = parse.urlsplit(broker.guest_transport_url(conf, ID, KEY))
    assert parts.netloc.endswith('@[fd00::1]:5671')
    assert (parse.unquote(parts.path), parts.query) == ('/a/b', 'ssl=1')


@pytest.mark.parametrize('url, expected', [
    ('http://m:1', 'http://control:secret%2F@m:1'), ('https://a:b@m:1', 'https://a:b@m:1')])
def test_management_account_is_that_of_the_bus_unless_named(url, expected):
    bus = types.SimpleNamespace(
        hosts=[types.SimpleNamespace(username='control', password='secret/')])
    assert broker._with_account(url, bus) == expected


def test_missing_address_is_an_error(conf):
    conf.set_override('transport_url', None, 'guest_bus')
    with pytest.raises(exception.BrokerError) as failure:
        broker.guest_transport_url(conf, ID, KEY)
    assert 'transport_url' in failure.value.detail


def test_unreachable_management_api_is_coded_without_the_password():
    management = broker.Management('http://user:pass-word@127.0.0.1:1/', 'guests', 1)
    with pytest.raises(exception.BrokerError) as failure:
        management.put_user('x', 'hidden')
    assert 'pass-word' not in failure.value.detail and 'hidden' not in failure.value.detail
