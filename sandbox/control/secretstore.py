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

"""Passwords and keys of the sandbox: random, created once, stored in files that only root reads."""

import base64
import os
import pathlib
import secrets
from collections.abc import Callable


class SecretStore:
    """Named secrets in one directory."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory

    def get(self, name: str) -> str:
        """Return the named secret; create it if missing (32 letters and digits of entropy)."""
        return self.get_or_make(name, lambda: secrets.token_urlsafe(32))

    def get_key(self, name: str) -> str:
        """Return 32 random bytes in the format of Fernet keys."""
        return self.get_or_make(name,
                                lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def get_or_make(self, name: str, make: Callable[[], str]) -> str:
        """Return the named secret; store the result of ``make()`` if it is missing."""
        path = self._directory / name
        if path.exists():
            return path.read_text(encoding='ascii')
        value = make()
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, value)
        return value


def write_private(path: pathlib.Path, text: str, *, owner: int = 0, mode: int = 0o600) -> None:
    """Write a file atomically; no other user can read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    fresh = path.with_name(path.name + '.new')
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.chmod(mode)
    fresh.write_text(text, encoding='utf-8')
    if owner:
        os.chown(fresh, owner, -1)
    fresh.rename(path)
