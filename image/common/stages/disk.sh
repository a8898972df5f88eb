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
# Stage: a bootable disk from the same recipe, with a kernel. Sourced by image/build.
#
# The disk is built from files, without loop device or mount, so an interrupted build leaves
# nothing. Layout (GPT): 1 MiB of boot loader for BIOS, a small EFI partition, the root file system
# last, so that cloud-init can grow it to the flavor's disk.

DISK_BIOS_START=2048
DISK_BIOS_SECTORS=2048
DISK_EFI_START=4096
DISK_EFI_SECTORS=16384
DISK_ROOT_START=20480
# Space for writes before the root file system has grown.
DISK_SPARE_MB=400

GRUB_MODULES='part_gpt part_msdos ext2 search search_label normal configfile linux serial terminal'
GRUB_MODULES+=' echo test'

disk_file() { printf '%s' "$OUTPUT/$DATASTORE_VERSION.qcow2"; }

disk_up_to_date() {
    [ -z "$FORCE" ] && [ -f "$(disk_file)" ] &&
        [ "$(json_field "$(disk_file).json" inputs)" = "$INPUTS_DIGEST" ]
}

# with_kernel: switch the system tree to that of a disk.
with_kernel() {
    PACKAGE_LISTS+=("$IMAGE_SOURCE/common/packages-disk")
    FILE_TREES+=("$IMAGE_SOURCE/common/files-disk")
    SYSTEM_VARIANT=-disk
}

make_disk() {
    local raw=$WORK/disk.raw root=$WORK/root.ext4 sectors
    make_root_file_system "$root"
    make_boot_loaders
    sectors=$(($(stat --format %s "$root") / 512))
    truncate --size $(((DISK_ROOT_START + sectors + 2048) * 512)) "$raw"
    # The identifiers come from the build, so that the same inputs give the same disk.
    local bios_type=21686148-6449-6E6F-744E-656564454649
    local efi_type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
    local root_type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
    sfdisk --quiet "$raw" <<EOF
label: gpt
label-id: $(uuid_of disk)
start=$DISK_BIOS_START, size=$DISK_BIOS_SECTORS, type=$bios_type, uuid=$(uuid_of bios)
start=$DISK_EFI_START, size=$DISK_EFI_SECTORS, type=$efi_type, uuid=$(uuid_of efi)
start=$DISK_ROOT_START, size=$sectors, type=$root_type, uuid=$(uuid_of root)
EOF
    put_sectors "$WORK/efi.fat" "$raw" $DISK_EFI_START
    put_sectors "$root" "$raw" $DISK_ROOT_START
    install_bios_loader "$raw"
    qemu-img convert -c -O qcow2 "$raw" "$WORK/disk.qcow2"
    rm -f "$raw" "$root"
}

# uuid_of NAME: print a UUID that depends on the build only.
uuid_of() {
    printf '%s %s' "$INPUTS_DIGEST" "$1" | sha256sum |
        sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-4\3-8\4-\5/'
}

put_sectors() { dd if="$1" of="$2" bs=1M oflag=seek_bytes seek=$(($3 * 512)) conv=notrunc,sparse \
    status=none; }

make_root_file_system() {
    local used
    used=$(du -sm --apparent-size "$WORK/rootfs" | cut -f1)
    # Inodes and journal take about a tenth.
    truncate --size $((used * 115 / 100 + DISK_SPARE_MB))M "$1"
    E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -m 1 -L trove-root -U \
        "$(uuid_of filesystem)" \
        -E "hash_seed=$(uuid_of hash),root_owner=0:0,lazy_itable_init=1" -d "$WORK/rootfs" "$1"
}

# make_boot_loaders: write loaders that find the root file system and read its /boot/grub/grub.cfg.
make_boot_loaders() {
    cat >"$WORK/grub-early.cfg" <<'EOF'
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --label trove-root --set=root
set prefix=($root)/boot/grub
configfile /boot/grub/grub.cfg
EOF
    # shellcheck disable=SC2086
    grub-mkimage -O i386-pc -p /boot/grub -c "$WORK/grub-early.cfg" -o "$WORK/core.img" biosdisk \
        $GRUB_MODULES
    # shellcheck disable=SC2086
    grub-mkimage -O x86_64-efi -p /boot/grub -c "$WORK/grub-early.cfg" -o "$WORK/bootx64.efi" \
        $GRUB_MODULES
    truncate --size $((DISK_EFI_SECTORS * 512)) "$WORK/efi.fat"
    mkfs.vfat -i "$(uuid_of fat | cut -c1-8)" -n EFI "$WORK/efi.fat"
    mmd -i "$WORK/efi.fat" ::/EFI ::/EFI/BOOT
    mcopy -i "$WORK/efi.fat" "$WORK/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
}

# install_bios_loader DISK: install GRUB as grub-install does on a real disk. The boot sector gets
# the position of the core image (8 bytes at 0x5c), the core's first sector that of its second one
# (8 bytes at 0x1f4); the jump at 0x66 works around a BIOS bug and is not needed on virtual disks.
install_bios_loader() {
    local disk=$1 boot=$WORK/boot.img
    [ "$(stat --format %s "$WORK/core.img")" -le $((DISK_BIOS_SECTORS * 512)) ]
    cp /usr/lib/grub/i386-pc/boot.img "$boot"
    put_number "$boot" $((0x5c)) $DISK_BIOS_START
    printf '\220\220' | dd of="$boot" bs=1 seek=$((0x66)) conv=notrunc status=none
    put_number "$WORK/core.img" $((0x1f4)) $((DISK_BIOS_START + 1))
    # The partition table begins at 0x1b8.
    dd if="$boot" of="$disk" bs=1 count=$((0x1b8)) conv=notrunc status=none
    put_sectors "$WORK/core.img" "$disk" $DISK_BIOS_START
}

# put_number FILE OFFSET NUMBER: write a number as eight bytes, little endian.
put_number() {
    local number=$3 bytes=''
    for _ in 1 2 3 4 5 6 7 8; do
        bytes="$bytes$(printf '\\%03o' $((number % 256)))"
        number=$((number / 256))
    done
    # shellcheck disable=SC2059
    printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

publish_disk() {
    mv "$WORK/rootfs/etc/trove/image.json" "$(disk_file).json"
    mv "$WORK/disk.qcow2" "$(disk_file)"
}
