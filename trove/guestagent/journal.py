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

"""Journal of the commands of a guest and their results, on its disk, so that none runs twice.

A command that the end of the agent interrupted is found again and continued. The journal keeps its
content until the command ends, sealed under a key derived from the instance's, because it may
contain passwords.
"""

import base64
import json
import os
import threading
from typing import Any

from cryptography import exceptions as crypto
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trove.common.rpc import keys, messages
from trove.guestagent.system import files

#: Commands kept; no delivery is repeated later than that.
MOST = 64
_NONCE_BYTES = 12


class Journal:
    """Commands by id, oldest first. Safe for threads.

    :param path: file on the root disk.
    :param key: the instance key.
    """

    def __init__(self, path: str, key: bytes) -> None:
        self._path = path
        self._cipher = AESGCM(keys.derive(key, b'trove guest journal'))
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = files.read_json(path).get('commands') or {}
        #: Results that contain secrets: returned again while this process lives, never written.
        self._secret: dict[str, dict[str, Any]] = {}

    def begin(self, command: messages.Command) -> None:
        """Record that a long command begins; :meth:`unfinished` returns it until it ends."""
        self._put(command.command_id, {'kind': command.KIND, 'sealed': self._seal(command)})

    def end(self, result: messages.CommandResult) -> None:
        """Record the result of a long command."""
        self._put(result.command_id, {'kind': result.KIND, 'result': result.to_wire()})

    def result(self, command_id: str) -> messages.CommandResult | None:
        """Return the result of a long command; None if it never began or did not end."""
        with self._lock:
            found = self._entries.get(command_id, {}).get('result')
        return messages.CommandResult.from_wire(found) if found else None

    def results(self, most: int) -> list[messages.CommandResult]:
        """Return the results of the last long commands, oldest first."""
        with self._lock:
            ended = [entry['result'] for entry in self._entries.values() if 'result' in entry]
        return [messages.CommandResult.from_wire(result) for result in ended[-most:]]

    def unfinished(self) -> list[messages.Command]:
        """Return the long commands that began and did not end, without those no longer readable."""
        with self._lock:
            begun = [(entry['kind'], entry['sealed'])
                     for entry in self._entries.values()
                     if 'sealed' in entry]
        found = []
        for kind, sealed in begun:
            body = self._open(sealed, kind)
            if body is not None and kind in messages.DOWN:
                found.append(messages.DOWN[kind].from_wire(body))
        return found

    def record_result(self, command_id: str, result: dict[str, Any], *,
                      secret: bool = False) -> None:
        """Record the result of a short command that changed something."""
        if secret:
            with self._lock:
                self._secret[command_id] = result
                while len(self._secret) > MOST:
                    self._secret.pop(next(iter(self._secret)))
        else:
            self._put(command_id, {'answer': result})

    def recorded_result(self, command_id: str) -> dict[str, Any] | None:
        """Return the recorded result of a short command; None if there is none."""
        with self._lock:
            return self._secret.get(command_id) or self._entries.get(command_id, {}).get('answer')

    def _put(self, command_id: str, entry: dict[str, Any]) -> None:
        with self._lock:
            self._entries.pop(command_id, None)
            self._entries[command_id] = entry
            for old in [name for name, kept in self._entries.items()
                        if 'sealed' not in kept][:-MOST]:
                del self._entries[old]
            files.write(self._path, json.dumps({'commands': self._entries}) + '\n', mode=0o600)

    def _seal(self, command: messages.Command) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(
            nonce, json.dumps(command.to_wire()).encode(), command.KIND.encode())).decode()

    def _open(self, sealed: str, kind: str) -> dict[str, Any] | None:
        raw = base64.b64decode(sealed)
        try:
            return json.loads(
                self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], kind.encode()))
        except crypto.InvalidTag:
            return None
