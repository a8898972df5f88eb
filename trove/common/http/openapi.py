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

"""OpenAPI 3.1 document, generated from the URL table and the schemas in it.

Requests are checked, and responses are tested, by the same schemas.
"""

import re
from collections.abc import Iterable
from typing import Any

from trove import version
from trove.common import policies
from trove.common.http import faults
from trove.common.http.route import Route
from trove.common.http.schemas import BOOLEAN, STRING
from trove.common.http.serializers import JSON, table, XML

#: query parameter -> description and schema
QUERY: dict[str, tuple[str, dict[str, Any]]] = {
    'limit': ('Rows of the page; a larger limit than the maximum counts as the maximum.', {
        'type': 'integer',
        'minimum': 1
    }),
    'marker': ('End of the page before, from its next link.', STRING),
    'include_clustered': ('List members of clusters too.', BOOLEAN),
    'deleted': ('Show deleted instances: true adds or selects them, false excludes them.', BOOLEAN),
    'project_id': ('Only objects of this project.', STRING),
    'instance_id': ('Only objects of this instance.', STRING),
    'datastore': ('Only objects of this datastore, by name or id.', STRING),
    'name': ('Only objects with this name.', STRING),
    'replica_of': ('Only replicas of this instance.', STRING),
    'status': ('Only objects with this status.', STRING),
    'type': ('Only objects of this type.', STRING),
    'created_after': ('Only objects created at this time or later; UTC without a zone.', STRING),
    'created_before': ('Only objects created at this time or earlier.', STRING),
    'updated_after': ('Only objects last changed at this time or later.', STRING),
    'updated_before': ('Only objects last changed at this time or earlier.', STRING),
    'include_certificate': ('Show the certificate itself.', BOOLEAN),
    'from_guest': ('Any text; the guest reports the modules with and without it.', STRING),
    'include_contents': ('Show the contents of the modules.', BOOLEAN),
    'count_only': ('Only the number of instances, by contents of the module.', BOOLEAN),
    'validate_only': (
        'Only check the request: nothing is created, and the response to a good request has no '
        'body.', BOOLEAN),
    'sort_key': (
        'Key to sort by: created, name or updated, for some lists more; the default is the id.',
        STRING),
    'sort_dir': ('Direction of the order.', {
        'enum': ['asc', 'desc']
    }),
    'all_projects': ('Objects of all projects; for administrators.', BOOLEAN),
}

#: segment of paths -> description, unless it is an id of the object it is named after
_PATH = {
    'project_id': 'Project of the token.',
    'target_project_id': 'Project that has the quotas.',
    'datastore': 'Id or name of a datastore.',
    'version': 'Id of a datastore version, or its name after a datastore.',
    'user': 'Name of a user, or name@host. Dots and percent signs may be quoted twice.',
    'name': 'Name of the object.',
}

#: Statuses of failures of every call with a token.
_ALWAYS = (401, 403, 413, 500, 503)

_DESCRIPTION = (
    'A path can end in `.json` or `.xml`. The suffix, then `Accept`, decides the format of the '
    'response. XML bodies have the key of the JSON body as their root element; the next link of a '
    'page is the last child of the root.')


def document(routes: Iterable[Route], versions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the document.

    :param versions: public path outside of the URL table -> schema of its response.
    :raises ValueError: two different schemas have the same title.
    """
    described = {rule.name: rule.description for rule in policies.list_rules()}
    components = _Components()
    paths: dict[str, dict[str, Any]] = {
        path: _public(path, schema, components)
        for path, schema in versions.items()
    }
    paths['/healthcheck'] = {
        'get': {
            'operationId': 'healthcheck',
            'summary': 'Show whether the service accepts requests.',
            'security': [],
            'responses': {
                '200': {
                    'description': 'The service accepts requests.',
                    'headers': _REQUEST_ID,
                    'content': _HEALTH
                },
                '503': {
                    'description': 'The operator has taken it out of service.',
                    'headers': _REQUEST_ID,
                    'content': _HEALTH
                }
            }
        }
    }
    for route in routes:
        operation = _operation(route, described, components)
        paths.setdefault(f'/v1.0{route.path}', {})[route.method.lower()] = operation
    return {
        'openapi': '3.1.0',
        'info': {
            'title': 'Trove',
            'version': 'v1.0',
            'description': _DESCRIPTION,
            'license': {
                'name': 'Apache-2.0',
                'identifier': 'Apache-2.0'
            },
            'x-release': version.release()
        },
        'servers': [{
            'url': '/'
        }],
        'security': [{
            'token': []
        }],
        'paths': paths,
        'components': {
            'securitySchemes': {
                'token': {
                    'type': 'apiKey',
                    'in': 'header',
                    'name': 'X-Auth-Token',
                    'description': 'Token of Keystone.'
                }
            },
            'headers': _HEADERS,
            'responses': {
                _response_name(status): _refusal(status, components)
                for status in faults.NAMES
            },
            'schemas': dict(sorted(components.schemas.items())),
        },
    }


def refusals(route: Route) -> set[int]:
    """Return the statuses of failures of a route."""
    found = {*_ALWAYS, *route.faults}
    if route.status >= 400:
        found.add(route.status)
    if route.request_schema:
        found |= {400, 415}
    if route.query:
        found.add(400)
    if route.path.count('{') > 1:
        found.add(404)
    return found


_REQUEST_ID = {'x-openstack-request-id': {'$ref': '#/components/headers/RequestId'}}
_HEADERS = {
    'RequestId': {
        'description': 'Id of the request in the logs of all services.',
        'schema': STRING
    },
    'OperationId': {
        'description': 'Operation that does the remaining work, if there is any.',
        'schema': STRING
    },
    'RetryAfter': {
        'description': 'Seconds to wait; only from the rate limiter.',
        'schema': STRING
    },
}
#: The health check is oslo.middleware's, with its own formats.
_HEALTH = {
    'text/plain': {
        'schema': STRING
    },
    'text/html': {
        'schema': STRING
    },
    'application/json': {
        'schema': {
            'type': 'object',
            'required': ['detailed', 'reasons'],
            'properties': {
                'detailed': BOOLEAN,
                'reasons': {
                    'type': 'array',
                    'items': STRING
                }
            }
        }
    },
}


# --- calls ---------------------------------------------------------------------------------------


def _operation(route: Route, described: dict[str, str | None],
               components: '_Components') -> dict[str, Any]:
    module = route.handler.__module__.split('.')
    resource = module[-2] if module[-1] == 'service' else '_'.join(module[-2:])
    made: dict[str, Any] = {
        'operationId': f'{resource}_{route.handler.__name__}',
        'summary': described.get(route.all_rules[0], '') if route.all_rules else '',
        'tags': [module[2] if module[1] == 'extensions' else module[1]],
        'parameters': [*(_path_parameter(name) for name in re.findall(r'{(\w+)}', route.path)),
                       *(_query_parameter(name) for name in route.query)],
        'responses': {},
    }
    if route.all_rules:
        made['x-openstack-policies'] = list(route.all_rules)
    if route.request_schema:
        made['requestBody'] = {
            'required': not route.optional_body,
            'content': _content(route.request_schema.schema, components)
        }
    if route.status < 400:
        made['responses'][str(route.status)] = _success(route, components)
    if 'validate_only' in route.query:
        made['responses']['204'] = {'description': 'The request is good; nothing was created.',
                                    'headers': dict(_REQUEST_ID)}
    for status in sorted(refusals(route)):
        made['responses'][str(status)] = {
            '$ref': f'#/components/responses/{_response_name(status)}'
        }
    return made


def _public(path: str, schema: dict[str, Any], components: '_Components') -> dict[str, Any]:
    return {
        'get': {
            'operationId': f'versions_{"index" if path == "/" else "show"}',
            'security': [],
            'summary': 'The versions of the API.' if path == '/' else 'A version of the API.',
            'responses': {
                '200': {
                    'description': 'Success.',
                    'headers': _REQUEST_ID,
                    'content': _content(schema, components)
                }
            }
        }
    }


def _path_parameter(name: str) -> dict[str, Any]:
    words = name.removesuffix('_id').replace('_', ' ')
    return {
        'name': name,
        'in': 'path',
        'required': True,
        'description': _PATH.get(name, f'Id of the {words}.'),
        'schema': {
            'type': 'string',
            'minLength': 1,
            'pattern': '^[^/]+$'
        }
    }


def _query_parameter(name: str) -> dict[str, Any]:
    description, schema = QUERY[name]
    return {'name': name, 'in': 'query', 'description': description, 'schema': schema}


def _success(route: Route, components: '_Components') -> dict[str, Any]:
    words = {200: 'Success.', 202: 'Accepted; the work is done or in progress.', 204: 'Done.'}
    headers: dict[str, Any] = dict(_REQUEST_ID)
    if route.method != 'GET' and route.status != 204:
        headers['X-Trove-Operation-Id'] = {'$ref': '#/components/headers/OperationId'}
    made: dict[str, Any] = {'description': words.get(route.status, 'Success.'), 'headers': headers}
    if route.response_schema is not None:
        made['content'] = _content(route.response_schema, components)
    return made


# --- refusals ------------------------------------------------------------------------------------

def _response_name(status: int) -> str:
    name = faults.NAMES[status]
    return name[0].upper() + name[1:]


def _refusal(status: int, components: '_Components') -> dict[str, Any]:
    names = {401: ['unauthorized', 'error'], 500: ['serverError', faults.UNEXPECTED]}
    kinds = [_fault(name, status) for name in names.get(status, [faults.NAMES[status]])]
    schema = kinds[0] if len(kinds) == 1 else {'anyOf': kinds}
    headers: dict[str, Any] = dict(_REQUEST_ID)
    if status == 413:
        headers['Retry-After'] = {'$ref': '#/components/headers/RetryAfter'}
    return {'description': f'The fault {" or ".join(names.get(status, [faults.NAMES[status]]))}.',
            'headers': headers, 'content': _content(schema, components)}


def _fault(name: str, status: int) -> dict[str, Any]:
    properties: dict[str, Any] = {'code': {'const': status}, 'message': STRING}
    if status == 413:
        properties |= {'details': STRING, 'retryAfter': STRING}
    if name == 'error':
        properties['title'] = STRING
    inner = {'type': 'object', 'properties': properties, 'required': ['code', 'message'],
             'additionalProperties': False}
    return {
        'type': 'object',
        'properties': {
            name: inner
        },
        'required': [name],
        'additionalProperties': False
    }


# --- bodies --------------------------------------------------------------------------------------

def _content(schema: dict[str, Any], components: '_Components') -> dict[str, Any]:
    """Return the schema of a body in every format."""
    return {
        JSON.content_type: {
            'schema': components.shown(schema,
                                       schema.get('xml', {}).get('name', ''))
        },
        XML.content_type: {
            'schema': _rooted(schema, components)
        }
    }


def _rooted(schema: dict[str, Any], components: '_Components') -> dict[str, Any]:
    """Return the schema of an XML document; the wrapper key is the root element."""
    if 'anyOf' in schema:
        return {'anyOf': [_rooted(part, components) for part in schema['anyOf']]}
    own = schema.get('xml', {}).get('name')
    keys = [
        key for key in schema.get('properties', {}) if key != 'links' and not key.endswith('_links')
    ]
    name = own or keys[0]
    inner = components.shown(schema if own else schema['properties'][name], name)
    wrapped = {'wrapped': True} if inner.get('type') == 'array' else {}
    return {**inner, 'xml': {'name': name, 'namespace': table.NAMESPACE, **wrapped}}


class _Components:
    """Schemas of the document; those with a title are there once."""

    def __init__(self) -> None:
        self.schemas: dict[str, dict[str, Any]] = {}

    def shown(self, schema: dict[str, Any], element: str) -> dict[str, Any]:
        """Return the schema of a value as the document has it.

        :param element: name of the XML element of the value.
        """
        made = {
            key: self._part(key, value, element)
            for key, value in schema.items()
            if key not in ('reason', 'xml')
        }
        if 'reason' in schema:
            made.setdefault('description', f'It {schema["reason"]}.')
        if made.get('type') == 'array':
            made['xml'] = {'wrapped': True}
            made['items'] = {**made['items'], 'xml': {'name': table.item_name(element)}}
        title = made.pop('title', None)
        if title is None:
            return made
        if self.schemas.setdefault(title, made) != made:
            raise ValueError(f'Two schemas are called {title}.')
        return {'$ref': f'#/components/schemas/{title}'}

    def _part(self, key: str, value: Any, element: str) -> Any:
        if key == 'properties':
            return {name: self._property(element, name, inner) for name, inner in value.items()}
        if key == 'items':
            return self.shown(value, table.item_name(element))
        if key in ('anyOf', 'oneOf', 'allOf'):
            return [self.shown(part, element) for part in value]
        if key == 'additionalProperties' and isinstance(value, dict):
            return self.shown(value, '')
        # Only Python has \Z for the end of a text; all texts are of one line.
        return value.replace('\\Z', '$') if key == 'pattern' else value

    def _property(self, element: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        # The second name of the links of a page exists in JSON only.
        made = self.shown(schema, 'links' if name.endswith('_links') else name)
        if table.is_attribute(element, name) and not {'$ref', 'properties', 'items'} & made.keys():
            made = {**made, 'xml': {'attribute': True}}
        return made
