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

"""Notifications and metrics of the running service: over RabbitMQ, through the death of broker and
task manager.
"""

import queue
import urllib.request

import oslo_messaging
import pytest
from control import rabbitmq
from oslo_config import cfg
from prometheus_client import parser

from tests.e2e.service.running import new_password, report, unique
from tests.e2e.waiting import wait_for
from trove.common.rpc import transport

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
TOPIC = 'soak_notifications'


class Listener:
    """Listener on the notification bus."""

    def __init__(self, url):
        self.heard = queue.Queue()
        conf = cfg.ConfigOpts()
        conf([], project='listener', default_config_files=[])
        self._transport = oslo_messaging.get_notification_transport(conf, url=url)
        self._server = oslo_messaging.get_notification_listener(
            self._transport, [oslo_messaging.Target(topic=TOPIC, exchange='trove')], [self],
            executor='threading')
        self._server.start()
        self.events = []

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.heard.put((event_type, payload, metadata['message_id']))

    def wait(self, *expected, instance_id, seconds=60):
        """Until these events of an instance were heard."""
        def look():
            while not self.heard.empty():
                self.events.append(self.heard.get())
            known = {
                event
                for event, payload, _ in self.events
                if payload.get('instance_id') == instance_id
            }
            return set(expected) <= known

        wait_for(f'{expected} were heard', look, seconds,
                 state=lambda: [event for event, _, _ in self.events])

    def of(self, event, instance_id):
        """The payloads of an event, each message once."""
        found = {message: payload for name, payload, message in self.events
                 if name == event and payload.get('instance_id') == instance_id}
        return list(found.values())

    def close(self):
        self._server.stop()
        self._server.wait()
        self._transport.cleanup()


@pytest.fixture(scope='module')
def url(service):
    """The control bus, which carries notifications where no other is named."""
    return transport.with_settings(
        rabbitmq.transport_url(service.settings, service.store, 'control'),
        {'amqp_durable_queues': 'true'})


@pytest.fixture(scope='module', autouse=True)
def notifying(service):
    """Services that emit notifications and expose metrics."""
    ports = {
        name: service.settings.port_base + offset
        for name, offset in (('api_port', 91), ('taskmanager_port', 92), ('conductor_port', 93))
    }
    with service.configured({
            'oslo_messaging_notifications': {
                'driver': 'messagingv2',
                'topics': TOPIC
            },
            'metrics': ports,
            'taskmanager': {
                'lease_time': 10
            }
    }):
        yield ports


@pytest.fixture(scope='module')
def listener(url, notifying):
    made = Listener(url)
    yield made
    made.close()


def measured(port):
    """Return the metrics of a service."""
    with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=10) as answer:
        text = answer.read().decode()
    return {(sample.name, *sample.labels.values()): sample.value
            for family in parser.text_string_to_metric_families(text) for sample in family.samples}


def test_a_life_is_notified_and_measured(service, listener, notifying):
    password = new_password()
    service.passwords.add(password)
    instance_id = service.create(unique('notified'), databases=[{'name': 'app'}], users=[
        {'name': 'app', 'password': password, 'databases': [{'name': 'app'}]}])
    listener.wait('dbaas.instance_create.start', instance_id=instance_id)
    assert ('trove_open_operations', 'instance_create') in measured(notifying['taskmanager_port'])
    service.wait_active(instance_id)
    listener.wait('dbaas.instance_create.end', 'trove.instance.create', instance_id=instance_id)
    usage, = listener.of('trove.instance.create', instance_id)
    assert usage['nova_instance_id'] == service.server(instance_id) and usage['volume_size'] == 1
    second = new_password()
    service.passwords.add(second)
    service.trove('POST', f'/instances/{instance_id}/users', {'users': [
        {'name': 'other', 'password': second, 'databases': []}]})
    listener.wait('dbaas.user_create.start', 'dbaas.user_create.end', instance_id=instance_id)
    found = measured(notifying['taskmanager_port'])
    assert found['trove_operation_seconds_count', 'instance_create', 'succeeded'] >= 1
    assert found['trove_step_seconds_count', 'instance_create', 'Prepared', 'done'] >= 1
    assert found['trove_guests', '+Inf'] >= 1 and found['trove_metrics_failed',] == 0
    reports = measured(notifying['conductor_port'])
    assert reports['trove_reports_total', 'accepted'] > 0
    assert reports['trove_report_lag_seconds_count',] > 0
    requests = measured(notifying['api_port'])
    assert requests['trove_api_request_seconds_count', 'POST', '200'] >= 1
    report('memory with metrics: ' +
           ', '.join(f'{name} {values["process_resident_memory_bytes",] / 2 ** 20:.0f} MB'
                     for name, values in (('trove-api', requests), ('trove-taskmanager', found),
                                          ('trove-conductor', reports))))
    service.delete(instance_id)
    service.wait_gone(instance_id)
    listener.wait('dbaas.instance_delete.start', 'dbaas.instance_delete.end',
                  'trove.instance.delete', instance_id=instance_id)
    everything = repr(listener.events)
    assert password not in everything and second not in everything
    counts = {event: len(listener.of(event, instance_id)) for event, _, _ in listener.events}
    assert set(counts.values()) <= {0, 1}, counts


def test_nothing_is_lost_with_the_broker_and_the_task_manager(service, listener, notifying):
    """Both die with notifications pending; all are sent afterwards, by messages with
    their own ids.
    """
    instance_id = service.create(unique('lost'))
    service.kill('rabbitmq')
    service.kill('trove-taskmanager')
    service.start('rabbitmq')
    service.start('trove-taskmanager')
    try:
        service.wait_active(instance_id)
        listener.wait('dbaas.instance_create.start', 'dbaas.instance_create.end',
                      'trove.instance.create', instance_id=instance_id, seconds=90)
        assert service.rows('SELECT seq FROM notifications') == []
    finally:
        service.delete(instance_id)
        service.wait_gone(instance_id)


def test_what_is_changed_in_the_cloud_shows_within_a_minute(service):
    instance_id = service.create(unique('drift'))
    service.wait_active(instance_id)
    service.compute('POST', f'/servers/{service.server(instance_id)}/action', {'os-stop': None})
    service.wait_status(instance_id, 'SHUTDOWN', 60)
    service.compute('POST', f'/servers/{service.server(instance_id)}/action', {'os-start': None})
    service.wait_active(instance_id, 90)
    service.compute('DELETE', f'/servers/{service.server(instance_id)}')
    shown = service.wait_status(instance_id, 'ERROR', 60)
    assert 'no longer exists' in shown['fault']['message']
    events = [
        event['type']
        for event in service.trove('GET', f'/instances/{instance_id}/events')['events']
    ]
    assert events[0] == 'instance.drift' and events.count('instance.server') == 2
    output = service.managed('orphans')
    assert instance_id in output and 'server_missing' in output
    service.delete(instance_id)
    service.wait_gone(instance_id)


def test_a_task_manager_works_before_the_broker_is_there(service):
    service.kill('trove-taskmanager')
    service.kill('rabbitmq')
    try:
        service.launch('trove-taskmanager')
        # Its periodic tasks run without the broker.
        service.rows('SELECT 1')

        def claim():
            return service.rows('SELECT MAX(claim) AS claim FROM duties WHERE name = :name',
                                name='silence')[0].claim

        begun = claim()
        wait_for('its timers run', lambda: claim() > begun, 90)
    finally:
        service.start('rabbitmq')
        service.start('trove-taskmanager')
