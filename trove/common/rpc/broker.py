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

"""Identities of guests at the broker of the guest bus.

The management API creates a guest's account with its permissions and limits. Exchanges, queue and
bindings are declared over AMQP, which is four times faster and works without the management API.
All calls are idempotent. Removing the account first closes the guest's connections at once.
"""

import re
from typing import Any
from typing import Protocol
from urllib import parse

from oslo_config import cfg
from oslo_log import log as logging
import oslo_messaging
import requests

from trove.common import exception
from trove.common.rpc import keys
from trove.common.rpc import topology
from trove.common.rpc import transport

LOG = logging.getLogger(__name__)

_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


class Topology(Protocol):
    """Driver that declares exchanges, queues and bindings, as ``drivers.ControlPlaneDriver``."""

    def declare_guest(self, instance_id: str, conductor_topic: str) -> None:
        """Declare them; idempotent."""

    def delete_guest(self, instance_id: str) -> None:
        """Delete them; idempotent."""


class Management:
    """Client of RabbitMQ's management API.

    :param url: ``http://user:password@host:port``.
    :param timeout: seconds per request.
    :param ca_file: file of certificate authorities; None for those of the system.
    """

    def __init__(self, url: str, vhost: str, timeout: float, ca_file: str | None = None) -> None:
        parts = parse.urlsplit(url)
        host = parts.netloc.rpartition('@')[2]
        self._base = parse.urlunsplit((parts.scheme, host, parts.path.rstrip('/'), '', '')) + '/api'
        self._vhost = parse.quote(vhost, safe='')
        self._timeout = timeout
        self._session = requests.Session()
        # Broker passwords must not go to a proxy of the environment.
        self._session.trust_env = False
        self._session.auth = (parse.unquote(parts.username
                                            or ''), parse.unquote(parts.password or ''))
        self._session.verify = ca_file or True

    def put_user(self, name: str, password: str) -> None:
        self._request('PUT', f'users/{name}', {'password': password, 'tags': ''})

    def put_permissions(self, name: str, configure: str, write: str, read: str) -> None:
        self._request('PUT', f'permissions/{self._vhost}/{name}',
                      {'configure': configure, 'write': write, 'read': read})

    def put_limit(self, name: str, limit: str, value: int) -> None:
        self._request('PUT', f'user-limits/{name}/{limit}', {'value': value})

    def users(self) -> list[str]:
        """Return the names of all accounts."""
        return [item['name'] for item in self._request('GET', 'users?columns=name')]

    def queues(self) -> list[str]:
        """Return the names of all queues of the virtual host."""
        return [item['name'] for item in self._request('GET', f'queues/{self._vhost}?columns=name')]

    def exchanges(self) -> list[str]:
        """Return the names of all exchanges of the virtual host."""
        return [
            item['name'] for item in self._request('GET', f'exchanges/{self._vhost}?columns=name')
        ]

    def permissions(self) -> list[str]:
        """Return the names of all accounts with permissions in the virtual host."""
        return [item['user'] for item in self._request('GET', f'vhosts/{self._vhost}/permissions')]

    def bindings(self) -> list[tuple[str, str]]:
        """Return ``(source, destination)`` of all bindings of the virtual host."""
        found = self._request('GET', f'bindings/{self._vhost}?columns=source,destination')
        return [(item['source'], item['destination']) for item in found]

    def delete_user(self, name: str) -> None:
        """Delete an account; the broker closes its connections at once."""
        self._request('DELETE', f'users/{name}', absent_is_fine=True)

    def close(self) -> None:
        self._session.close()

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None, *,
                 absent_is_fine: bool = False) -> Any:
        try:
            answer = self._session.request(method, f'{self._base}/{path}', json=body,
                                           timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as failure:
            raise exception.BrokerError(
                detail=f'{method} {path}: {type(failure).__name__} at {self._base}') from failure
        if answer.status_code == 404 and absent_is_fine:
            return None
        if answer.status_code >= 300:
            # The request contains the password, so only the response is reported.
            raise exception.BrokerError(
                detail=f'{method} {path}: {answer.status_code} {answer.text[:300]}')
        return answer.json() if method == 'GET' else None


class Broker:
    """Identities of guests at the broker.

    :param management: None if operators create the accounts (``[guest_bus] provision = false``).
    """

    def __init__(self, conf: cfg.ConfigOpts, topology: Topology,
                 management: Management | None) -> None:
        self._conf = conf
        self._topology = topology
        self._management = management

    def ensure_guest(self, instance_id: str, key: bytes) -> None:
        """Ensure account, permissions, limits, exchanges, queue and bindings of a guest.

        :param key: the instance key, from which the password is derived.
        :raises exception.BrokerError: with a detail for operators; a retry may help.
        """
        _check(instance_id)
        options = self._conf.guest_bus
        self._amqp(lambda: self._topology.declare_guest(instance_id, self._conf.conductor_queue))
        if self._management is None:
            return
        user = topology.user(instance_id)
        self._management.put_user(user, keys.broker_password(key))
        self._management.put_limit(user, 'max-connections', options.max_connections)
        self._management.put_limit(user, 'max-channels', options.max_channels)
        self._management.put_permissions(user, **permissions(instance_id))

    @property
    def provisions(self) -> bool:
        """True if this service makes the identities, False if operators hand out accounts."""
        return self._management is not None

    def parts(self) -> dict[str, set[str]]:
        """Return the parts of identities that the broker has, by instance id.

        The labels are those of :func:`trove.common.rpc.topology.parts`. Nothing is returned where
        operators hand out accounts: without the management API nothing can be listed.

        :raises exception.BrokerError: a retry may help.
        """
        found: dict[str, set[str]] = {}
        if self._management is None:
            return found
        listed = [('user', self._management.users()), ('queue', self._management.queues()),
                  ('exchange', self._management.exchanges()),
                  ('permissions', self._management.permissions())]
        labels = [(name, f'{kind} {name}') for kind, names in listed for name in names]
        labels += [(source, topology.binding(source, destination))
                   for source, destination in self._management.bindings()]
        for name, label in labels:
            instance_id = topology.instance_of(name)
            if instance_id is not None:
                found.setdefault(instance_id, set()).add(label)
        return found

    def everything(self) -> dict[str, list[str]]:
        """Return the accounts, queues and exchanges of guests at the broker, by instance id.

        :raises exception.BrokerError: a retry may help.
        """
        found = {instance_id: sorted(part for part in parts
                                     if part.partition(' ')[0] in ('user', 'queue', 'exchange'))
                 for instance_id, parts in self.parts().items()}
        return {instance_id: labels for instance_id, labels in found.items() if labels}

    def remove_guest(self, instance_id: str) -> None:
        """Close the guest's connections and remove its identity; idempotent.

        :raises exception.BrokerError: a retry may help.
        """
        _check(instance_id)
        if self._management is not None:
            self._management.delete_user(topology.user(instance_id))
        self._amqp(lambda: self._topology.delete_guest(instance_id))

    @staticmethod
    def _amqp(work: Any) -> None:
        try:
            work()
        except oslo_messaging.MessagingException as failure:
            raise exception.BrokerError(detail=str(failure)) from failure


def for_conf(conf: cfg.ConfigOpts) -> Broker:
    """Return the broker of the guest bus; it connects at first use.

    :raises exception.BrokerError: the configuration is incomplete.
    """
    driver = transport.guest_bus(conf).driver
    options = conf.guest_bus
    if not options.provision:
        return Broker(conf, driver, None)
    if not options.management_url:
        raise exception.BrokerError(
            detail='[guest_bus] management_url is not set, and provision is true')
    url = oslo_messaging.TransportURL.parse(conf, options.transport_url)
    return Broker(
        conf, driver,
        Management(_with_account(options.management_url, url), url.virtual_host or '/',
                   options.management_timeout, options.management_ca_file))


def _with_account(management_url: str, url: oslo_messaging.TransportURL) -> str:
    """Return the management URL, with the bus account if the URL names no account."""
    parts = parse.urlsplit(management_url)
    if parts.username or not url.hosts or not url.hosts[0].username:
        return management_url
    user, password = (parse.quote(word or '', safe='')
                      for word in (url.hosts[0].username, url.hosts[0].password))
    return parse.urlunsplit(parts._replace(netloc=f'{user}:{password}@{parts.netloc}'))


def permissions(instance_id: str) -> dict[str, str]:
    """Return a guest's permissions: write to its exchange, read its queue, configure nothing."""
    return {'configure': '^$',
            'write': f'^{re.escape(topology.out_exchange(instance_id))}$'.replace(r'\-', '-'),
            'read': f'^{re.escape(topology.queue(instance_id))}$'.replace(r'\-', '-')}


def guest_transport_url(conf: cfg.ConfigOpts, instance_id: str, key: bytes) -> str | None:
    """Return the guest's ``[guest_bus] transport_url``; None if operators create the accounts.

    :raises exception.BrokerError: the configuration lacks the broker's address.
    """
    options = conf.guest_bus
    if not options.provision:
        return None
    if not options.transport_url:
        raise exception.BrokerError(detail='[guest_bus] transport_url is not set')
    _check(instance_id)
    url = oslo_messaging.TransportURL.parse(conf, options.transport_url)
    hosts = options.guest_hosts or [
        f'{_bracketed(host.hostname)}:{host.port or 5672}' for host in url.hosts
    ]
    account = f'{topology.user(instance_id)}:{keys.broker_password(key)}'
    query = f'?{parse.urlencode(url.query)}' if url.query else ''
    return 'rabbit://' + ','.join(f'{account}@{host}' for host in hosts) + \
        f'/{parse.quote(url.virtual_host or "", safe="")}{query}'


def _bracketed(host: str) -> str:
    return f'[{host}]' if ':' in host else host


def _check(instance_id: str) -> None:
    # The id becomes part of paths and permissions.
    if not _ID.fullmatch(instance_id):
        raise ValueError(f'{instance_id!r} is no instance id')
