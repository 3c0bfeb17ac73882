#!/bin/sh
# lab.sh FOLDER COMMAND...: runs COMMAND in the lab that build.sh made, with a libvirt of its own. To be called as process 1 of
# network, mount, pid, uts and ipc namespaces, whose end is the end of all machines.
set -eu
lab=$(readlink -f "$1")/lab
shift
mount --make-rprivate /
ip link set lo up
hostname lab
mount --rbind /dev "$lab/dev"
# The machines are emulated everywhere: where there is hardware virtualisation, it may hang within another.
[ ! -e "$lab/dev/kvm" ] || mount --bind /dev/null "$lab/dev/kvm"
mount -t proc proc "$lab/proc"
mount -t sysfs sysfs "$lab/sys"
mount --rbind /sys/fs/cgroup "$lab/sys/fs/cgroup"
mount -t tmpfs tmpfs "$lab/run"
echo 127.0.0.1 localhost lab >"$lab/etc/hosts"
cat >"$lab/etc/libvirt/qemu.conf" <<CONF
stdio_handler = "file"
security_driver = "none"
user = "root"
group = "root"
namespaces = []
cgroup_controllers = []
remember_owner = 0
CONF
env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" \
    VAGRANT_DEFAULT_PROVIDER=libvirt VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_BOX_UPDATE_CHECK_DISABLE=1 \
    LIBVIRT_DEFAULT_URI=qemu:///system SQUALL_MACHINES=3 SQUALL_MEMORY=512 SQUALL_BOX=squall SQUALL_KERNEL=/box/kernel \
    chroot "$lab" sh -euc '
        # The machines leave the processors to what tests them.
        nice -n 10 libvirtd >/run/libvirtd.log 2>&1 &
        tries=0
        until virsh version >/dev/null 2>&1; do
            tries=$((tries + 1))
            if [ $tries = 120 ]; then
                cat /run/libvirtd.log >&2
                exit 1
            fi
            sleep 0.5
        done
        "$@"' sh "$@"
