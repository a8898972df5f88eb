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

"""Commands of trove-manage that clean up: purge, quota_recount and orphans."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from oslo_config import cfg

from trove.common import exception
from trove.db import purge as rows_to_purge
from trove.db import recount, session

CONF = cfg.CONF

#: Seconds between two attempts to delete a resource that is still in use.
PAUSE = 2.0


class CommandError(Exception):
    """Command that cannot run; the message names the remedy."""


def table(titles: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return a table with titles and aligned columns."""
    cells = [[str(cell) for cell in line] for line in (titles, *lines)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(titles))]
    return '\n'.join('  '.join(cell.ljust(width)
                               for cell, width in zip(line, widths)).rstrip()
                     for line in cells)


def _number(name: str, text: str | int, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise CommandError(f'{name} must be a number of at least {least}, not {text!r}.')
    return number


# --- purge ---------------------------------------------------------------------------------------

def purge(older_than: str, batch: str, dry_run: bool) -> None:
    """Purge rows deleted more than --older-than days ago, with the rows that belong to them."""
    days, size = _number('--older-than', older_than, 0), _number('--batch', batch, 1)
    before = session.utcnow() - timedelta(days=days)
    if dry_run:
        numbers = [(subject.table, session.read(rows_to_purge.count, subject, before))
                   for subject in rows_to_purge.SUBJECTS]
        print(table(('Table', 'Deleted rows to purge'), numbers))
        return
    total: dict[str, int] = {}
    for subject in rows_to_purge.SUBJECTS:
        _purge(subject, before, size, total)
    print(
        table(('Table',
               'Rows purged'), sorted(total.items())) if total else 'Nothing to purge.')


def _purge(subject: rows_to_purge.Subject, before: datetime, size: int, total: dict[str,
                                                                                    int]) -> None:
    expected = session.read(rows_to_purge.count, subject, before)
    done = 0
    while ids := session.read(rows_to_purge.candidates, subject, before, size):
        for name, number in session.write(rows_to_purge.purge, subject, ids).items():
            total[name] = total.get(name, 0) + number
        done += len(ids)
        print(f'{subject.table}: {done} of {max(expected, done)}', flush=True)


# --- quota ---------------------------------------------------------------------------------------

def quota_recount(project: str | None, dry_run: bool) -> None:
    """Recount the usage of projects and correct the stored usage."""
    found: list[recount.Difference] = []
    for tenant_id in [project] if project else session.read(recount.projects):
        found += session.write(_recount, tenant_id, not dry_run)
    if not found:
        print('The stored usage is correct.')
        return
    print(table(('Project', 'Resource', 'Stored', 'Used'), found))
    print('Nothing was changed.' if dry_run else f'{len(found)} were corrected.')


def _recount(connection: session.Connection, tenant_id: str,
             is_to_repair: bool) -> list[recount.Difference]:
    found = recount.differences(connection, tenant_id, lock=True)
    if is_to_repair:
        recount.repair(connection, found, session.utcnow())
    return found


# --- orphans -------------------------------------------------------------------------------------

def orphans(delete: bool, timeout: str) -> None:
    """Report resources without an instance, and instances without resources."""
    from trove.taskmanager import orphans as searching
    from trove.taskmanager import tools

    seconds = _number('--timeout', timeout, 0)
    made = tools.from_conf(CONF)
    search = searching.Search(CONF, made.cloud, made.broker)
    try:
        found, losses = search.orphans(), search.losses()
    except exception.TroveError as error:
        raise CommandError(
            f'Not everything can be listed now: {error.message} {error.detail}') from None
    print(
        table((
            'Orphan', 'Region', 'Id', 'Name',
            'Instance'), [(item.kind, item.region or '-', item.id, item.name, item.instance_id)
                          for item in found]) if found else 'No resource is without its instance.')
    if losses:
        print()
        print(table(('Instance', 'Name', 'Lacks', 'What'),
                    [(item.instance_id, item.name, item.drift, item.detail) for item in losses]))
    for problem in sorted(search.problems):
        print(problem)
    if delete and found:
        _delete(search, found, seconds)
    if search.problems:
        raise CommandError('Not everything could be listed.')


def _delete(search: Any, found: Sequence[Any], seconds: int) -> None:
    """Delete the orphans, repeatedly: a resource in use goes after its user."""
    deadline = time.monotonic() + seconds
    left = list(found)
    reasons: dict[Any, str] = {}
    while True:
        waiting = []
        for item in left:
            try:
                if not search.delete(item):
                    waiting.append(item)
            except exception.TroveError as error:
                reasons[item] = error.detail or error.message
                waiting.append(item)
        left = waiting
        if not left or time.monotonic() >= deadline:
            break
        time.sleep(PAUSE)
    print(f'{len(found) - len(left)} were deleted.')
    if left:
        listed = '; '.join(
            f'{item.kind} {item.id} {reasons.get(item, "is being deleted")}' for item in left)
        raise CommandError(f'{len(left)} still exist: {listed}. Run the command again.')
