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

"""Metrics, their text format and the server."""

from prometheus_client import parser

from trove.common.http import request_metrics
from trove.common.process import metrics


def read(*made):
    registry = metrics.Registry()
    registry.add(*made)
    return {
        family.name: family
        for family in parser.text_string_to_metric_families(registry.text())
    }


def values(family, suffix=''):
    return {tuple(sample.labels.items()): sample.value for sample in family.samples
            if sample.name == family.name + suffix}


def test_a_counter_counts_by_label():
    counter = metrics.Counter('things_total', 'Things.', ('kind',))
    counter.add('a')
    counter.add('a', amount=2)
    counter.add('b')
    found = read(counter)['things']
    assert found.type == 'counter' and found.documentation == 'Things.'
    assert values(found, '_total') == {(('kind', 'a'),): 3, (('kind', 'b'),): 1}


def test_a_histogram_has_growing_buckets_a_sum_and_a_count():
    histogram = metrics.Histogram('took_seconds', 'Took.', bounds=(1, 5))
    for seconds in (0.5, 1, 3, 99):
        histogram.observe(seconds)
    found = read(histogram)['took_seconds']
    assert found.type == 'histogram'
    assert values(found, '_bucket') == {(('le', '1'),): 2, (('le', '5'),): 3, (('le', '+Inf'),): 4}
    assert values(found, '_sum') == {(): 103.5} and values(found, '_count') == {(): 4}


def test_label_values_of_any_kind_are_read_as_they_were():
    counter = metrics.Counter('odd_total', 'Odd.', ('what',))
    for text in ('a"b', 'back\\slash', 'line\nbreak', '\\n', '数'):
        counter.add(text)
    assert {labels[0][1] for labels in values(read(counter)['odd'], '_total')} == {
        'a"b', 'back\\slash', 'line\nbreak', '\\n', '数'}


def test_what_cannot_be_measured_does_not_hide_the_rest():
    def fails():
        raise RuntimeError('the database is away')
    found = read(metrics.CallbackGauge('broken', 'Broken.', (), fails),
                 metrics.CallbackGauge('whole', 'Whole.', (), lambda: [((), 7)]))
    assert 'broken' not in found and values(found['whole']) == {(): 7}
    assert values(found['trove_metrics_failed']) == {(): 1}


def test_requests_are_counted_also_those_that_fail():
    def application(environ, start_response):
        if environ['PATH_INFO'] == '/broken':
            raise RuntimeError
        start_response('202 Accepted', [])
        return [b'']

    measured = request_metrics.Measured(application)
    measured({'REQUEST_METHOD': 'POST', 'PATH_INFO': '/'}, lambda *_answer: None)
    measured({'REQUEST_METHOD': 'HACK', 'PATH_INFO': '/'}, lambda *_answer: None)
    try:
        measured({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/broken'}, lambda *_answer: None)
    except RuntimeError:
        counted = values(read(request_metrics.REQUESTS)['trove_api_request_seconds'], '_count')
    assert counted == {
        (('method', 'POST'), ('status', '202')): 1,
        (('method', 'other'), ('status', '202')): 1,
        (('method', 'GET'), ('status', '500')): 1
    }
