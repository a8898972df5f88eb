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

"""Files and directories of the guest, replaced atomically, with owner and mode set before their
names exist.
"""

import grp
import json
import os
import pwd
import tempfile
from typing import Any


def owner_ids(user: str | None, group: str | None) -> tuple[int, int]:
    """Return numeric owner and group; -1 for None.

    :raises KeyError: the image has no such account.
    """
    return (pwd.getpwnam(user).pw_uid if user else -1, grp.getgrnam(group).gr_gid if group else -1)


def write(path: str, content: str, *, mode: int = 0o644, user: str | None = None,
          group: str | None = None) -> None:
    """Replace a file atomically and durably: after a crash it has the old text or the new one."""
    directory = os.path.dirname(path) or '.'
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=f'.{os.path.basename(path)}.')
    try:
        with os.fdopen(descriptor, 'w', encoding='utf-8') as stream:
            os.fchmod(descriptor, mode)
            if user or group:
                os.fchown(descriptor, *owner_ids(user, group))
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_directory(directory)


def write_if_changed(path: str, content: str, **attributes: Any) -> bool:
    """Write the file if its text differs; return whether it did."""
    if read(path) == content:
        return False
    write(path, content, **attributes)
    return True


def read(path: str) -> str | None:
    """Return the text of a file; None if the file does not exist."""
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def read_json(path: str) -> dict[str, Any]:
    """Return the object stored by :func:`write_json`; {} if the file is missing or no JSON object.

    The file is written atomically, so only a failing disk can corrupt it. The agent then starts
    over.
    """
    try:
        found = json.loads(read(path) or '{}')
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: str, content: dict[str, Any]) -> None:
    """Store an object in a file that only root can read."""
    write(path, json.dumps(content, sort_keys=True) + '\n', mode=0o600)


def directory(path: str, *, mode: int, user: str | None = None, group: str | None = None) -> None:
    """Ensure that a directory exists with this mode and owner.

    :raises OSError: ``path`` is a link. The owner of the parent directory could otherwise have any
        directory given away.
    """
    os.makedirs(path, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(descriptor, mode)
        if user or group:
            os.fchown(descriptor, *owner_ids(user, group))
    finally:
        os.close(descriptor)


def chown_tree(path: str, user: str, group: str) -> None:
    """Change the owner of a tree unless its top has that owner: account ids differ between images.
    """
    ids = owner_ids(user, group)
    top = os.stat(path)
    if (top.st_uid, top.st_gid) == ids:
        return
    for parent, directories, names in os.walk(path):
        for name in directories + names:
            os.chown(os.path.join(parent, name), *ids, follow_symlinks=False)
    # Change the top last: its owner shows that the whole tree is done.
    os.chown(path, *ids)


def move_aside(path: str, suffix: str, owner: int) -> None:
    """Rename a file to ``path`` plus suffix, replacing an earlier one.

    :param owner: uid that must own the directory, which the account may have created itself.
    :raises OSError: no such file, or the directory is a link or has another owner.
    """
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != owner:
            raise PermissionError(f'{os.path.dirname(path)} has another owner')
        name = os.path.basename(path)
        os.rename(name, name + suffix, src_dir_fd=descriptor, dst_dir_fd=descriptor)
    finally:
        os.close(descriptor)


def remove(path: str) -> None:
    """Remove a file if it exists."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
