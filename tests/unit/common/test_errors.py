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

"""The copy that refuses to rename, reuse or remove an error code. New codes are added here too."""

from trove.common import errors, exception

FROZEN = {
    'access_failed',
    'bad_request',
    'broker_error',
    'cancelled',
    'cloud_error',
    'cloud_not_found',
    'cloud_quota_exceeded',
    'conflict',
    'deadline_exceeded',
    'deletion_protected',
    'dependency_unavailable',
    'floating_ip_failed',
    'forbidden',
    'guest_busy',
    'guest_engine_error',
    'guest_engine_unavailable',
    'guest_error',
    'guest_exists_database',
    'guest_exists_user',
    'guest_invalid_charset',
    'guest_invalid_host',
    'guest_invalid_message',
    'guest_invalid_name',
    'guest_invalid_password',
    'guest_not_found_database',
    'guest_not_found_module',
    'guest_not_found_user',
    'guest_not_prepared',
    'guest_not_supported',
    'guest_prepare_config',
    'guest_prepare_directories',
    'guest_prepare_failed',
    'guest_prepare_finish',
    'guest_prepare_init',
    'guest_prepare_objects',
    'guest_prepare_secure',
    'guest_prepare_start',
    'guest_prepare_volume',
    'guest_reserved_name',
    'guest_restart_failed',
    'guest_silent',
    'guest_stale_boot',
    'guest_timeout',
    'guest_unknown_command',
    'guest_volume_failed',
    'instance_missing',
    'internal',
    'leftovers',
    'not_acceptable',
    'not_found',
    'not_supported',
    'not_supported_by_datastore',
    'operation_in_progress',
    'over_limit',
    'port_failed',
    'quota_exceeded',
    'reset',
    'security_group_failed',
    'server_failed',
    'server_missing',
    'server_resize_failed',
    'step_failed',
    'unauthorized',
    'unprocessable',
    'unsupported_media_type',
    'volume_detached',
    'volume_extend_failed',
    'volume_failed',
    'volume_missing',
    'port_detached',
    'port_missing',
    'configuration_not_applied',
    'guest_configuration_refused',
    'guest_configuration_taken_back',
    'cloud_refused',
    'guest_log_failed',
    'guest_not_found_log',
    'object_store_failed',
    'object_store_missing',
    'cancelled_by_request',
    'guest_prepare_convert',
    'guest_prepare_data',
    'guest_prepare_upgrade',
    'guest_upgrade_not_prepared',
    'guest_upgrade_refused',
    'server_migrate_failed',
    'server_rebuild_failed',
}


def test_no_code_is_renamed_or_removed():
    assert set(errors.CODES) == FROZEN


def test_every_code_fits_its_column_and_has_a_sentence():
    for code, (area, sentence) in errors.CODES.items():
        assert len(code) <= 64 and code.isidentifier()
        assert area in {'request', 'service', 'cloud', 'guest'}
        assert sentence[0].isupper() and sentence.endswith('.'), code


def test_every_exception_has_a_known_code_and_status():
    pending = [exception.TroveError]
    while pending:
        class_ = pending.pop()
        pending.extend(class_.__subclasses__())
        assert class_.code in errors.CODES
        assert 400 <= class_.http_status < 600
