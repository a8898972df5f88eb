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

"""State beyond one request: planned faults, threads, restarts, stored records."""

import logging
import stat
import threading

import pytest
import requests
from keystoneauth1 import exceptions as auth_exceptions

from minicloud import inprocess
from minicloud.bootstrap import bootstrap
from minicloud.hypervisor import State as MachineState
from minicloud.server import make_server
from minicloud.state import State
from tests.functional.minicloud.conftest import DOCUMENT
from tests.functional.minicloud.recording_hypervisor import RecordingHypervisor


def _create(site, name='db'):
    return site.nova().servers.create(name, site.image_id(), '1',
                                      nics=[{'net-id': site.network('private').id}])


def test_version_documents_need_no_token(site):
    client = requests.Session()
    client.mount(inprocess.ADDRESS, inprocess.WSGIAdapter(site.app))
    for path, key in (('/compute/', 'versions'), ('/compute/v2.1/', 'version'),
                      ('/network/', 'versions'), ('/volume/', 'versions'),
                      ('/volume/v3/', 'versions'), ('/image/', 'versions')):
        assert key in client.get(inprocess.ADDRESS + path).json(), path
    refused = client.get(f'{inprocess.ADDRESS}/compute/v2.1/servers')
    assert refused.status_code == 401


def test_lost_reply_after_the_work(site):
    site.faults.request('volume', 'POST', '/volumes$', mode='after')
    sdk = site.sdk()
    with pytest.raises(auth_exceptions.ConnectFailure):
        site.session().post('/volumes', json={'volume': {'size': 1}},
                            endpoint_filter={'service_type': 'volumev3'})
    assert len(list(sdk.block_storage.volumes())) == 1


def test_broken_before_the_work(site):
    site.faults.request('volume', 'POST', '/volumes$', mode='before', nth=2)
    session = site.session()

    def post():
        return session.post('/volumes', json={'volume': {'size': 1}},
                            endpoint_filter={'service_type': 'volumev3'})
    post()
    with pytest.raises(auth_exceptions.ConnectFailure):
        post()
    post()
    assert len(list(site.sdk().block_storage.volumes())) == 2


def test_status_and_delay(site):
    site.faults.request('network', 'GET', '/ports', mode='status', status=503, times=2)
    site.faults.request('network', 'GET', '/ports', mode='delay', seconds=30, nth=3)
    session = site.session()
    begun = site.time.now
    codes = [session.get('/v2.0/ports', endpoint_filter={'service_type': 'network'},
                         raise_exc=False).status_code for _ in range(3)]
    assert codes == [503, 503, 200]
    assert site.time.now == begun + 30


def test_faults_over_http_are_for_admins(site):
    body = {'request': {'service': 'image', 'method': 'GET', 'path': '/images'}}
    assert site.session().post(f'{inprocess.ADDRESS}/faults/v1/faults', json=body,
                               raise_exc=False).status_code == 403
    admin = site.session('admin', 'root', ('admin',))
    assert admin.post(f'{inprocess.ADDRESS}/faults/v1/faults', json=body).status_code == 201
    assert admin.get(f'{inprocess.ADDRESS}/image/v2/images', raise_exc=False).status_code == 500
    assert admin.delete(f'{inprocess.ADDRESS}/faults/v1/faults').status_code == 204


def test_real_connections(site):
    """The process serves several requests, a lost response and an unknown path."""
    server = make_server(site.app, '127.0.0.1', 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    address = f'http://127.0.0.1:{server.server_port}/volume/v3/volumes'
    token = {'X-Auth-Token': site.app.identifier.issue('demo', 'alice')}
    try:
        site.faults.request('volume', 'POST', '/volumes$', mode='after')
        with pytest.raises(requests.ConnectionError):
            requests.post(address, json={'volume': {'size': 1}}, headers=token, timeout=10)
        listed = requests.get(address, headers=token, timeout=10)
        assert len(listed.json()['volumes']) == 1
        assert listed.headers['X-Openstack-Request-Id'].startswith('req-')
        missing = requests.get(f'{address}/none', headers=token, timeout=10)
        assert missing.json()['itemNotFound']['message'] == 'Volume none could not be found.'
        assert requests.get(address, timeout=10).status_code == 401
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_state_survives_a_restart(make_site, tmp_path):
    path = str(tmp_path / 'state.sqlite')
    before = make_site(path=path)
    server = _create(before)
    volume = before.sdk().block_storage.create_volume(size=1)
    before.app.close()
    assert stat.S_IMODE((tmp_path / 'state.sqlite').stat().st_mode) == 0o600
    after = make_site(path=path, hypervisor=before.hypervisor)
    assert after.nova().servers.get(server.id).status == 'ACTIVE'
    assert after.sdk().block_storage.get_volume(volume.id).status == 'available'
    assert before.hypervisor.methods().count('create_server') == 1
    after.nova().servers.delete(server.id)
    assert after.hypervisor.servers == {}


def test_work_left_behind_is_done_after_a_restart(make_site, tmp_path):
    path = str(tmp_path / 'state.sqlite')
    before = make_site(path=path, synchronous=None)
    server = _create(before)
    before.app.close()
    after = make_site(path=path)
    assert after.nova().servers.get(server.id).status == 'ACTIVE'


def test_machines_are_brought_back_after_the_host_rebooted(make_site, tmp_path):
    path = str(tmp_path / 'state.sqlite')
    before = make_site(path=path)
    kept, lost, stopped = [_create(before, name) for name in ('kept', 'lost', 'stopped')]
    stopped.stop()
    before.app.close()
    hypervisor = before.hypervisor
    hypervisor.states = dict.fromkeys((kept.id, stopped.id), MachineState.STOPPED)
    hypervisor.networks.clear()
    after = make_site(path=path, hypervisor=hypervisor)
    states = {item.name: item.status for item in after.nova().servers.list()}
    assert states == {'kept': 'ACTIVE', 'lost': 'ERROR', 'stopped': 'SHUTOFF'}
    assert hypervisor.states[kept.id] is MachineState.RUNNING
    assert hypervisor.networks


def test_bootstrap_twice_changes_nothing(site):
    def count():
        with site.app.cloud.state.transaction() as tx:
            return {kind: len(tx.list(kind)) for kind in (
                'flavor', 'network', 'subnet', 'router', 'image', 'port', 'volume_type')}
    before = count()
    bootstrap(site.app.cloud, DOCUMENT)
    assert count() == before


def test_threads_build_at_the_same_time(make_site):
    class Meeting(RecordingHypervisor):
        """Hypervisor that builds machines only when three builds run at once."""

        def __init__(self):
            super().__init__()
            self.barrier = threading.Barrier(3)

        def create_server(self, spec):
            self.barrier.wait(10)
            super().create_server(spec)
    site = make_site(synchronous=False, hypervisor=Meeting())
    servers = [_create(site, name) for name in 'abc']
    assert site.app.cloud.work.idle(20)
    assert {site.nova().servers.get(server.id).status for server in servers} == {'ACTIVE'}


def test_one_server_is_worked_on_once_at_a_time(make_site):
    class Watching(RecordingHypervisor):
        """Hypervisor that records two simultaneous calls for one server."""

        def __init__(self):
            super().__init__()
            self.busy, self.overlaps = set(), []

        def _note(self, method, *arguments):
            thing = arguments[0] if arguments else None
            if method in ('attach_volume', 'detach_volume', 'apply_ports', 'stop_server'):
                self.overlaps += [thing] if thing in self.busy else []
                self.busy.add(thing)
                threading.Event().wait(0.02)
                self.busy.discard(thing)
            super()._note(method, *arguments)
    site = make_site(synchronous=False, hypervisor=Watching())
    server, sdk, nova = _create(site), site.sdk(), site.nova()
    volumes = [sdk.block_storage.create_volume(size=1) for _ in range(3)]
    assert site.app.cloud.work.idle(10)
    for volume in volumes:
        nova.volumes.create_server_volume(server.id, volume.id)
    nova.servers.stop(server.id)
    assert site.app.cloud.work.idle(10)
    assert site.hypervisor.overlaps == []
    assert nova.servers.get(server.id).status == 'SHUTOFF'


def test_unexpected_failure_is_an_error_and_not_a_hang(site, caplog):
    caplog.set_level(logging.CRITICAL)

    def broken(spec):
        raise RuntimeError('a bug')
    site.hypervisor.create_server = broken
    server = site.nova().servers.get(_create(site).id)
    assert (server.status, server.fault['message']) == ('ERROR', 'RuntimeError: a bug')


def test_transaction_that_fails_changes_nothing():
    state = State()
    with state.transaction() as tx:
        tx.put('thing', {'id': '1', 'value': 1})
    with pytest.raises(ValueError), state.transaction() as tx:
        tx.update('thing', '1', value=2)
        tx.put('thing', {'id': '2'})
        tx.remove('thing', '1')
        raise ValueError
    with state.transaction() as tx:
        assert tx.list('thing') == [{'id': '1', 'value': 1}]
