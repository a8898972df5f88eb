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

"""Required behaviour of object stores, checked on the simulated and on the real Swift.

Each function takes the :class:`trove.cloud.objects.Objects` of an account, the name of a container
of its own, and ``put(url, content, headers)``, which stores at a URL and returns the status.
"""

import pytest

from trove.common import exception

KEY = b'0123456789abcdef0123456789abcdef'
OTHER_KEY = b'fedcba9876543210fedcba9876543210'


def objects_are_stored_shown_and_deleted(objects, container, put):
    objects.ensure_container(container)
    objects.ensure_container(container)
    objects.put(container, 'a/ä 1', 'größe'.encode(), {
        'X-Object-Meta-Lines': '1',
        'Content-Type': 'text/plain'
    })
    found = objects.head(container, 'a/ä 1')
    assert (found.size, found.metadata['lines']) == (7, '1')
    assert found.etag == 'fdbb3a56280acfa9031707622c599ccb'
    assert objects.get(container, 'a/ä 1').decode() == 'größe'
    objects.delete(container, 'a/ä 1')
    objects.delete(container, 'a/ä 1')
    with pytest.raises(exception.CloudNotFound):
        objects.head(container, 'a/ä 1')


def a_list_is_in_order_and_narrowed(objects, container, put):
    objects.ensure_container(container)
    for name in ('b/2', 'a/1', 'b/1', 'b/3', 'c'):
        objects.put(container, name, b'x')
    assert [found.name for found in objects.list(container)] == ['a/1', 'b/1', 'b/2', 'b/3', 'c']
    assert [found.name for found in objects.list(container, 'b/')] == ['b/1', 'b/2', 'b/3']
    assert [found.name for found in objects.list(container, 'b/', before='b/3')] == ['b/1', 'b/2']
    assert {found.size for found in objects.list(container)} == {1}
    assert objects.delete_all(container, 'b/', before='b/2') == 1
    assert objects.delete_all(container, 'b/') == 2
    assert objects.delete_all(container, 'b/') == 0
    assert [found.name for found in objects.list(container)] == ['a/1', 'c']


def what_is_not_there_is_empty_or_not_found(objects, container, put):
    assert list(objects.list(container)) == []
    assert objects.delete_all(container, 'x') == 0
    objects.delete_container(container)
    for ask in (lambda: objects.get_container(container), lambda: objects.get(container, 'a'),
                lambda: objects.put(container, 'a', b'x')):
        with pytest.raises(exception.CloudNotFound):
            ask()


def a_container_with_something_in_it_stays(objects, container, put):
    objects.ensure_container(container)
    objects.put(container, 'a', b'1')
    with pytest.raises(exception.CloudError):
        objects.delete_container(container)
    objects.delete(container, 'a')
    objects.delete_container(container)
    assert list(objects.list(container)) == []


def a_url_for_a_prefix_opens_that_and_nothing_else(objects, container, put):
    objects.ensure_key(container, KEY)
    url, query = objects.temporary_url(container, 'i/mariadb-log ä/', KEY, method='PUT', seconds=60,
                                       prefix=True)
    assert put(f'{url}one?{query}', b'1', {
        'X-Object-Meta-Lines': '1',
        'X-Delete-After': '600'
    }) == 201
    assert put(f'{url}two?{query}', b'2', {}) == 201
    assert [found.name
            for found in objects.list(container)] == ['i/mariadb-log ä/one', 'i/mariadb-log ä/two']
    assert objects.head(container, 'i/mariadb-log ä/one').metadata == {'lines': '1'}
    beside = url.replace('/i/', '/j/')
    assert put(f'{beside}three?{query}', b'3', {}) == 401
    assert put(f'{url}four?{query.replace("temp_url_sig=", "temp_url_sig=0")}', b'4', {}) == 401
    assert len(list(objects.list(container))) == 2


def a_url_of_another_key_or_of_yesterday_opens_nothing(objects, container, put):
    objects.ensure_key(container, KEY)
    url, query = objects.temporary_url(container, 'a/', OTHER_KEY, method='PUT', seconds=60,
                                       prefix=True)
    assert put(f'{url}one?{query}', b'1', {}) == 401
    url, query = objects.temporary_url(container, 'a/', KEY, method='GET', seconds=60, prefix=True)
    assert put(f'{url}one?{query}', b'1', {}) == 401
    url, query = objects.temporary_url(container, 'a/', KEY, method='PUT', seconds=-60, prefix=True)
    assert put(f'{url}one?{query}', b'1', {}) == 401
    assert list(objects.list(container)) == []


def a_key_that_was_changed_is_put_back(objects, container, put):
    objects.ensure_key(container, OTHER_KEY)
    objects.ensure_key(container, KEY)
    url, query = objects.temporary_url(container, 'a', KEY, method='PUT', seconds=60)
    assert put(f'{url}?{query}', b'1', {}) == 201
    assert objects.get(container, 'a') == b'1'


BEHAVIOURS = (objects_are_stored_shown_and_deleted, a_list_is_in_order_and_narrowed,
              what_is_not_there_is_empty_or_not_found, a_container_with_something_in_it_stays,
              a_url_for_a_prefix_opens_that_and_nothing_else,
              a_url_of_another_key_or_of_yesterday_opens_nothing,
              a_key_that_was_changed_is_put_back)
