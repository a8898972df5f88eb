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
# The system tree: Debian packages, fixed users, our files, the engine's pristine data directory.
# Nothing of the agent's code. Sourced by image/build.

# What goes into the tree; a disk adds to it (see disk.sh).
PACKAGE_LISTS=("$IMAGE_SOURCE/common/packages")
FILE_TREES=("$IMAGE_SOURCE/common/files")
SYSTEM_VARIANT=''

make_system() {
    local name=$DATASTORE_VERSION$SYSTEM_VARIANT cached files
    cached=$CACHE/system/$name@$SYSTEM_DIGEST.tar
    mkdir -p "$WORK/rootfs"
    if [ -z "$FORCE" ] && [ -f "$cached" ]; then
        tar -C "$WORK/rootfs" --numeric-owner --xattrs --xattrs-include='*' -xf "$cached"
        touch "$cached"
        return
    fi
    install_packages
    for files in "${FILE_TREES[@]}" "$DATASTORE_SOURCE/files"; do
        copy_files "$files"
    done
    arrange_units
    make_seed
    clear_traces_of_packaging
    settle_times
    tar -C "$WORK/rootfs" --numeric-owner --xattrs --xattrs-include='*' --one-file-system \
        --sparse -cf "$cached.part" .
    mv "$cached.part" "$cached"
    # One cached tree of each kind is enough.
    find "$CACHE/system" -name "$name@*.tar" ! -path "$cached" -delete
}

# install_packages: mmdebstrap keeps services from starting (policy-rc.d says 101) while it works.
# Without apt in the tree: an image is replaced, never upgraded in place.
install_packages() {
    local packages hook=$WORK/users.sh
    packages=$(lines "${PACKAGE_LISTS[@]}" "$DATASTORE_SOURCE/packages" | paste -sd,)
    write_users_hook >"$hook"
    rm -rf "$CACHE/packages.new"
    mkdir "$CACHE/packages.new"
    # shellcheck disable=SC2016,SC2046
    TMPDIR=$WORK mmdebstrap --mode=root --variant=essential --format=directory \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        --include="$packages" \
        --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --aptopt='Acquire::Retries "3"' \
        --dpkgopt=force-unsafe-io --dpkgopt=force-confdef --dpkgopt=force-confold \
        $(lines "$IMAGE_SOURCE/common/excluded-paths" "$DATASTORE_SOURCE/excluded-paths" |
            sed -e '/^!/!s/^/--dpkgopt=path-exclude=/' -e 's/^!/--dpkgopt=path-include=/') \
        --skip=download/empty --skip=essential/unlink \
        --setup-hook='mkdir -p "$1/var/cache/apt/archives"' \
        --setup-hook="find '$CACHE/packages' -name '*.deb' -exec cp -t \"\$1/var/cache/apt/archives\" {} +" \
        --essential-hook="sh '$hook' \"\$1\"" \
        --customize-hook="cp -n -t '$CACHE/packages.new' \"\$1\"/var/cache/apt/archives/*.deb" \
        bookworm "$WORK/rootfs" \
        "deb $MIRROR bookworm main" \
        "deb $MIRROR bookworm-updates main" \
        "deb $SECURITY_MIRROR bookworm-security main"
    keep_packages
}

# keep_packages: the next build finds what this one fetched; what no build used for a month goes.
keep_packages() {
    # shellcheck disable=SC2016
    dpkg-query --root="$WORK/rootfs" --show --showformat='${Package}_${Version}_${Architecture}.deb\n' |
        sed 's/:/%3a/g' | while read -r file; do
        [ ! -e "$CACHE/packages.new/$file" ] || mv "$CACHE/packages.new/$file" "$CACHE/packages/$file"
    done
    rm -rf "$CACHE/packages.new"
    find "$CACHE/packages" -name '*.deb' -mtime +30 -delete
}

# write_users_hook: a script that gives the engine's users their fixed numbers before a package
# could make them with the next free one. Data volumes outlive images, so owners must not change.
write_users_hook() {
    local name uid home gecos
    echo 'set -e; cd "$1/etc"'
    records "$DATASTORE_SOURCE/users" | while IFS=: read -r name uid home gecos; do
        cat <<EOF
echo '$name:x:$uid:$uid:$gecos:$home:/usr/sbin/nologin' >>passwd
echo '$name:!:1::::::' >>shadow
echo '$name:x:$uid:' >>group
[ ! -e gshadow ] || echo '$name:!::' >>gshadow
EOF
    done
}

copy_files() {
    [ -d "$1" ] || return 0
    # Without owners and times of the checkout; modes are those of the repository.
    tar -C "$1" --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' -cf - . |
        tar -C "$WORK/rootfs" --no-overwrite-dir --keep-directory-symlink -xf -
}

arrange_units() {
    local units
    units=$(lines "$IMAGE_SOURCE/common/units" "$DATASTORE_SOURCE/units")
    local line verb unit
    for line in $units; do
        verb=${line%%=*} unit=${line#*=}
        case $verb in
            enable | disable | mask) in_tree systemctl "$verb" --quiet "$unit" ;;
            *) echo "units: '$line' is not enable=, disable= or mask="; return 1 ;;
        esac
    done
    in_tree systemctl set-default --quiet multi-user.target
}

# make_seed: the engine's own way to make a pristine data directory, done once here, so that a
# new instance only copies it.
make_seed() {
    [ -x "$DATASTORE_SOURCE/seed" ] || return 0
    install -d -m 0755 "$WORK/rootfs/opt/trove-guest/seed"
    cp "$DATASTORE_SOURCE/seed" "$WORK/rootfs/opt/trove-guest/seed.sh"
    in_tree /opt/trove-guest/seed.sh
    rm "$WORK/rootfs/opt/trove-guest/seed.sh"
}

clear_traces_of_packaging() {
    local tree=$WORK/rootfs
    rm -rf "$tree"/var/cache/apt "$tree"/var/lib/apt "$tree"/var/log/apt "$tree"/etc/apt/apt.conf.d/99mmdebstrap \
        "$tree"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$tree"/var/cache/debconf/*-old "$tree"/var/cache/ldconfig/aux-cache \
        "$tree"/var/lib/dpkg/*-old "$tree"/usr/sbin/policy-rc.d
    find "$tree/var/log" -type f -delete
}
