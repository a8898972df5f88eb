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
#
# Requirements of the building host, the build's working directory, and its cleanup after an
# interruption. Sourced by image/build.

# The Python of Debian 12: libraries with compiled parts must be made for it.
GUEST_PYTHON=3.11
# A tree needs 0.7 GB, a cached system tree and the packages as much again, a disk image 2 GB.
NEEDED_MB=2500
NEEDED_MB_DISK=5000

need_command() {
    command -v "$1" >/dev/null || MISSING="$MISSING $2"
}

check_host() {
    [ "$(id -u)" = 0 ] ||
        fail 'must run as root: it creates files of other owners and runs programs in the tree'
    [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
        fail 'runs on Debian 12 for amd64 only'
    MISSING=''
    need_command mmdebstrap mmdebstrap
    need_command unshare util-linux
    need_command flock util-linux
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
        MISSING="$MISSING debian-archive-keyring"
    if [ -n "$WANT_QCOW2" ]; then
        need_command qemu-img qemu-utils
        need_command mke2fs e2fsprogs
        need_command sfdisk fdisk
        need_command grub-mkimage grub-common
        need_command mkfs.vfat dosfstools
        need_command mcopy mtools
        [ -e /usr/lib/grub/i386-pc/boot.img ] || MISSING="$MISSING grub-pc-bin"
        [ -e /usr/lib/grub/x86_64-efi/linux.mod ] || MISSING="$MISSING grub-efi-amd64-bin"
    fi
    [ -z "$MISSING" ] ||
        fail "missing packages; run: apt-get install --no-install-recommends$MISSING"
    find_python
}

find_python() {
    local candidate check
    check="import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$GUEST_PYTHON')"
    for candidate in ${PYTHON:-"$REPOSITORY/.venv/bin/python" /usr/bin/python3}; do
        if "$candidate" -c "$check" 2>/dev/null &&
            "$candidate" -m pip --version >/dev/null 2>&1; then
            PYTHON=$candidate
            return
        fi
    done
    if [ -n "$PYTHON" ]; then
        fail "$PYTHON is not a Python $GUEST_PYTHON with pip"
    fi
    fail "no Python $GUEST_PYTHON with pip found; name one with --python or run:" \
        'apt-get install --no-install-recommends python3-pip'
}

# open_output: create the directories. Two builds never write to one output; several builds can
# share a cache, which is locked while its shared parts are built.
open_output() {
    local free needed=$NEEDED_MB
    mkdir -p "$OUTPUT"
    OUTPUT=$(cd "$OUTPUT" && pwd)
    CACHE=${CACHE:-$OUTPUT/cache}
    mkdir -p "$CACHE/packages" "$CACHE/system" "$CACHE/libraries" "$OUTPUT/trees"
    CACHE=$(cd "$CACHE" && pwd)
    # Numbers above 9: mmdebstrap gives its own ones to a shell that knows only one digit.
    exec {OUTPUT_LOCK}>"$OUTPUT/.lock" {CACHE_LOCK}>"$CACHE/.lock"
    flock -n "$OUTPUT_LOCK" || { log "waiting for another build that writes to $OUTPUT";
        flock "$OUTPUT_LOCK"; }
    [ -z "$WANT_QCOW2" ] || needed=$NEEDED_MB_DISK
    free=$(df -m --output=avail "$OUTPUT" | tail -n 1 | tr -d ' ')
    [ "$free" -ge "$needed" ] || fail "$OUTPUT has $free MB free, the build needs $needed MB"
    LOG=$OUTPUT/build.log
    WORK=''
    trap leave EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

open_workplace() {
    [ -z "$WORK" ] || return 0
    # Remove the remains of a killed build. The lock proves that it is not running.
    local old
    for old in "$OUTPUT"/.work-*; do
        [ ! -d "$old" ] || discard "$old"
    done
    WORK=$(mktemp -d "$OUTPUT/.work-XXXXXX")
    chmod 0755 "$WORK"
    touch "$WORK/started"
    : >"$LOG"
}

# discard DIRECTORY: unmount everything below it, then remove it.
discard() {
    local mounted
    awk -v top="$1/" 'index($5, top) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r mounted; do
            umount --lazy "$mounted" || return 1
        done || return 1
    rm -rf --one-file-system "$1"
}

leave() {
    local status=$?
    trap - EXIT
    [ "$status" = 0 ] || show_failed_stage
    if [ -n "$WORK" ]; then
        discard "$WORK" || printf 'image: could not remove %s\n' "$WORK" >&2
    fi
    exit "$status"
}

# in_tree COMMAND...: run a command inside the new tree, with the kernel's file systems, without a
# network, and without the host's environment. Its children end with it.
in_tree() {
    # shellcheck disable=SC2016
    unshare --mount --pid --net --ipc --fork --kill-child sh -ec '
        tree=$1; shift
        mount -t proc proc "$tree/proc"
        mount -t tmpfs -o mode=0755 tmpfs "$tree/run"
        exec chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            LC_ALL=C.UTF-8 \
            SOURCE_DATE_EPOCH='"$SOURCE_DATE_EPOCH"' "$@"
    ' sh "$WORK/rootfs" "$@"
}
