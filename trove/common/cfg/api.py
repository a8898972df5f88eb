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

"""Options of the HTTP server and the WSGI application."""

from oslo_config import cfg

LISTENER: list[cfg.Opt] = [
    cfg.HostAddressOpt('bind_host', default='0.0.0.0',
                       help='Address on which the stand-alone trove-api listens.'),
    cfg.PortOpt('bind_port', default=8779, help='Port on which the stand-alone trove-api '
                                                'listens.'),
    cfg.IntOpt('trove_api_workers', min=1,
               help='Number of worker processes of the stand-alone trove-api; unset: one per '
                    'CPU.'),
    cfg.IntOpt('backlog', default=4096, min=1,
               help='Maximum number of connections to the stand-alone trove-api that wait in the '
                    'kernel.'),
    cfg.IntOpt('tcp_keepidle', default=600, min=1,
               help='Seconds after which the kernel probes an idle connection.'),
    cfg.IntOpt('max_header_line', default=16384, min=1024,
               help='Maximum size of a request header line in bytes. Raise it for tokens with '
                    'long catalogs.'),
    cfg.IntOpt('api_graceful_shutdown_timeout', default=60, min=0,
               help='Seconds a stopping worker continues to serve the requests in progress.'),
    cfg.IntOpt('api_client_timeout', default=900, min=1,
               help='Seconds after which a silent connection is closed.'),
]

APPLICATION: list[cfg.Opt] = [
    cfg.StrOpt('api_paste_config', default='api-paste.ini',
               help='File with the WSGI pipeline; searched beside trove.conf and in /etc/trove.'),
    cfg.StrOpt('public_endpoint',
               help='Base URL in links and version documents, for a service behind a proxy. '
                    'Unset: scheme and host of the request.'),
    cfg.ListOpt('admin_roles', default=[], deprecated_for_removal=True,
                deprecated_reason='Policy rule context_is_admin decides.',
                help='Roles that make the caller an administrator. Empty: policy rule '
                     'context_is_admin decides.'),
    cfg.ListOpt('expected_filetype_suffixes', default=['json', 'xml'],
                help='URL suffixes that select a format and are not part of an id: json, xml.'),
    cfg.BoolOpt('trove_volume_support', default=True, deprecated_for_removal=True,
                deprecated_reason='Volume support is an option of each datastore manager.',
                help='When false, flavors show their ephemeral disk as local storage. No other '
                     'effect.'),
    cfg.StrOpt('device_path', default='/dev/vdb', deprecated_for_removal=True,
               deprecated_reason='The device is an option of each datastore manager.',
               help='When empty, flavors show no local storage.'),
]

SSL: list[cfg.Opt] = [
    cfg.StrOpt('cert_file',
               help='Certificate of the stand-alone trove-api; with key_file it serves TLS.'),
    cfg.StrOpt('key_file', help='Private key of cert_file.'),
    cfg.StrOpt('ca_file',
               help='File of certificate authorities for clients; when set, clients need a '
                    'certificate.'),
]


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    return [(None, LISTENER + APPLICATION), ('ssl', SSL)]
