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

"""List of error codes.

A code is a public interface: ``error.code`` of an operation and the table in the documentation,
which is generated from here. A code is never renamed, reused or removed;
tests/unit/common/test_errors.py checks that against a copy.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """Error code with its area and its default message."""
    area: str
    sentence: str


def _codes(area: str, **sentences: str) -> dict[str, Code]:
    return {code: Code(area, sentence) for code, sentence in sentences.items()}


CODES: dict[str, Code] = {
    **_codes(
        'request',
        bad_request='The request has a value that cannot be used.',
        unauthorized='This call is for administrators.',
        forbidden='You may not do this.',
        not_found='The resource cannot be found.',
        not_acceptable='The response is not available in the requested format.',
        conflict='The resource is in a state that does not allow this.',
        over_limit='A limit is exceeded.',
        quota_exceeded='Quota exceeded.',
        unsupported_media_type='Send the body as application/json.',
        unprocessable='The resource cannot do this now; try again when it is idle.',
        not_supported='This is not supported.',
        not_supported_by_datastore='The datastore of this instance does not support this.',
        operation_in_progress='Another operation is running on this resource; wait for it to end.',
        deletion_protected='Deletion protection is set; switch it off first.',
    ),
    **_codes(
        'service',
        internal='An unexpected error happened; the message has a reference for the operator.',
        dependency_unavailable='A service this request needs does not answer; try again later.',
        broker_error='The message broker refused a request.',
        step_failed='A step of the operation failed.',
        deadline_exceeded='The operation did not end within its deadline.',
        cancelled='The operation was cancelled by a delete.',
        cancelled_by_request='The operation was cancelled by request; its changes were reverted.',
        reset='The operation was abandoned by a reset of the status.',
        configuration_not_applied='Not all instances of the configuration group have its new '
        'values.',
        instance_missing='The instance no longer exists.',
    ),
    **_codes(
        'cloud',
        cloud_error='A cloud service failed.',
        cloud_not_found='A cloud resource is missing.',
        cloud_quota_exceeded="The cloud's quota of the database service is exhausted; contact the "
        'operator.',
        security_group_failed='The security group could not be made.',
        port_failed='The network port could not be made.',
        volume_failed='The volume could not be made or attached.',
        volume_extend_failed='The volume could not be made larger.',
        server_failed='The server could not be started.',
        server_resize_failed='The server could not be given its new flavor.',
        server_rebuild_failed='The server could not be given its new image.',
        server_migrate_failed='The server could not be moved to another host.',
        server_missing='The server of this instance no longer exists.',
        volume_missing='The data volume of this instance no longer exists.',
        volume_detached='The data volume is not attached to the server of this instance.',
        port_missing='A network port of this instance no longer exists.',
        port_detached='A network port is not attached to the server of this instance.',
        floating_ip_failed='The public address could not be assigned.',
        access_failed='The access rules could not be updated and are unchanged. Try again.',
        cloud_refused='A cloud service refused the request for your credentials.',
        object_store_missing='This cloud has no object store.',
        object_store_failed='The object store could not be used.',
        leftovers='Some cloud resources could not be removed yet; the delete keeps trying.',
    ),
    **_codes(
        'guest',
        guest_error='The agent on the database server reported a failure.',
        guest_timeout='The agent on the database server did not answer in time.',
        guest_silent='The agent on the database server never reported; check the console log of '
        'the server.',
        guest_busy='The agent on the database server is busy with something else.',
        guest_unknown_command='The agent on the database server is too old for this; rebuild with '
                              'a newer image.',
        guest_stale_boot='The agent on the database server was restarted; try again.',
        guest_invalid_message='The agent on the database server could not use the message.',
        guest_exists_user='The user already exists.',
        guest_exists_database='The database already exists.',
        guest_not_found_user='The user cannot be found on the instance.',
        guest_not_found_database='The database cannot be found on the instance.',
        guest_not_found_module='The module cannot be found on the instance.',
        guest_reserved_name='The name is reserved.',
        guest_invalid_name='The name is not allowed by the engine.',
        guest_invalid_host='The host is not allowed by the engine.',
        guest_invalid_password='The password is not allowed by the engine.',
        guest_invalid_charset='The character set or collation is not known to the engine.',
        guest_engine_error='The database engine reported an error.',
        guest_engine_unavailable='The database engine does not answer.',
        guest_not_prepared='The database server is not prepared yet.',
        guest_not_supported='The engine does not support this.',
        guest_configuration_refused='The engine refuses the options of the configuration group; it '
                                    'runs with its '
        'former ones.',
        guest_configuration_taken_back='The engine did not start with the options of the '
                                       'configuration group; it runs '
        'with the last valid ones.',
        guest_not_found_log='There is no such log on the instance.',
        guest_log_failed='The log could not be read or stored.',
        guest_restart_failed='The database engine did not come back after a restart.',
        guest_volume_failed='The data volume could not be unmounted, mounted or grown on the '
                            'database server.',
        guest_upgrade_refused='The data cannot be taken over by the other version of the engine.',
        guest_upgrade_not_prepared='The database server could not be made ready for its new image.',
        guest_prepare_failed='The database server could not be prepared.',
        guest_prepare_volume='The data volume could not be found, formatted or mounted.',
        guest_prepare_directories='The directories on the data volume could not be made.',
        guest_prepare_init='The data directory could not be initialised.',
        guest_prepare_config='The configuration was refused by the engine.',
        guest_prepare_start='The engine did not start.',
        guest_prepare_secure='The accounts of the engine could not be secured.',
        guest_prepare_objects='A database or user asked for at creation could not be made.',
        guest_prepare_data='The data volume does not hold the data of this database.',
        guest_prepare_convert='The data could not be brought into the form that this version of '
                              'the engine reads.',
        guest_prepare_upgrade="The engine's own upgrade of the data failed.",
        guest_prepare_finish='The end of the preparation could not be recorded.',
    ),
}
