#!/bin/sh
# build.sh FOLDER: makes what lab.sh needs, below FOLDER. To be run as root; touches nothing else of this machine.
#   lab/         a Debian 12 with Vagrant, libvirt and qemu, which may be of other versions here, or not be here at all
#   lab/box/     a box for Vagrant, with its kernel beside it: under emulation a boot loader takes longer than Debian
set -eu
folder=$(readlink -f "$1") here=$(dirname "$(readlink -f "$0")")
lab=$folder/lab machine=$folder/machine
mirror=${SQUALL_DEBIAN_MIRROR:-http://deb.debian.org/debian}

inside() {
    root=$1
    shift
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}
install() {
    root=$1
    shift
    inside "$root" apt-get install -y -qq --no-install-recommends "$@" >>"$folder/build.log" 2>&1 || {
        tail -n 20 "$folder/build.log" >&2
        exit 1
    }
}

debootstrap --variant=minbase bookworm "$machine" "$mirror" >"$folder/build.log"
# Nothing here outlives a crash, no service starts, and nobody reads documentation.
echo force-unsafe-io >"$machine/etc/dpkg/dpkg.cfg.d/lab"
for kind in doc man locale; do echo "path-exclude=/usr/share/$kind/*"; done >>"$machine/etc/dpkg/dpkg.cfg.d/lab"
printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d"
chmod +x "$machine/usr/sbin/policy-rc.d"
cp -a "$machine" "$lab"

install "$lab" vagrant vagrant-libvirt libvirt-daemon libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients \
    qemu-system-x86 qemu-utils ipxe-qemu dnsmasq-base iptables iproute2 openssh-client busybox-static cpio xz-utils e2fsprogs procps

install "$machine" systemd-sysv udev dbus kmod openssh-server sudo iproute2 iptables procps netbase etcd-server
kernel=$(inside "$machine" apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p' | head -n 1)
mkdir -p "$lab/box/kernel"
inside "$machine" sh -c "cd /tmp && apt-get -qq -o APT::Sandbox::User=root download $kernel"
# Its scripts would make an initial file system of some 30 MB; unpacked in place, it would put a folder where /lib is a link.
dpkg-deb -x "$machine"/tmp/linux-image-*.deb "$folder/kernel"
rm "$machine"/tmp/linux-image-*.deb
mv "$folder"/kernel/boot/vmlinuz-* "$lab/box/kernel/vmlinuz"
mv "$folder/kernel/lib/modules" "$machine/usr/lib/"
rm -r "$folder/kernel"
modules=$(echo "$machine"/usr/lib/modules/*)
version=$(basename "$modules")
for unused in drivers/gpu drivers/media drivers/infiniband drivers/scsi drivers/usb drivers/staging drivers/iio drivers/hwmon \
    drivers/net/wireless drivers/net/ethernet sound; do
    rm -rf "$modules/kernel/$unused"
done
inside "$machine" depmod "$version"

inside "$machine" useradd -m -s /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/vagrant"
# The public half of the key with which Vagrant logs in for the first time, to replace it.
mkdir -m 700 "$machine/home/vagrant/.ssh"
cp "$(find "$lab/usr/share" -name vagrant.pub | head -n 1)" "$machine/home/vagrant/.ssh/authorized_keys"
chmod 600 "$machine/home/vagrant/.ssh/authorized_keys"
inside "$machine" chown -R vagrant: /home/vagrant/.ssh
echo box >"$machine/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 box\n' >"$machine/etc/hosts"
echo 'LABEL=root / ext4 defaults,noatime 0 0' >"$machine/etc/fstab"
printf '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n[DHCPv4]\nClientIdentifier=mac\n' \
    >"$machine/etc/systemd/network/10-eth0.network"
printf 'UseDNS no\nGSSAPIAuthentication no\n' >"$machine/etc/ssh/sshd_config.d/lab.conf"
mkdir -p "$machine/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\n' >"$machine/etc/systemd/journald.conf.d/lab.conf"
inside "$machine" systemctl -q enable systemd-networkd ssh
# Whatever a machine does at its start that nobody needs costs seconds.
for unit in systemd-networkd-wait-online.service etcd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_reap.service e2scrub_all.timer fstrim.timer getty@tty1.service systemd-timesyncd.service systemd-pstore.service; do
    inside "$machine" systemctl -q disable "$unit" 2>/dev/null || :
done
inside "$machine" systemctl -q mask getty-static.service systemd-random-seed.service systemd-update-utmp.service \
    systemd-update-utmp-runlevel.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    systemd-journal-flush.service kmod-static-nodes.service modprobe@.service systemd-binfmt.service \
    proc-sys-fs-binfmt_misc.automount systemd-hwdb-update.service ldconfig.service systemd-tmpfiles-clean.timer
rm -rf "$machine"/var/lib/apt/lists/* "$machine"/var/cache/apt/*.bin "$machine/usr/sbin/policy-rc.d"
inside "$machine" apt-get clean
inside "$lab" apt-get clean

# mkfs wants to know what is mounted, and /proc is not.
: >"$lab/etc/mtab"
# The initial file system: a shell, what is needed to see the disk, and init.sh.
start=$lab/box/start
mkdir -p "$start/bin" "$start/proc" "$start/sys" "$start/dev" "$start/root" "$start/modules"
cp -L "$lab/bin/busybox" "$start/bin/"
cp "$here/init.sh" "$start/init"
chmod +x "$start/init"
sed -n 's/^# module //p' "$here/init.sh" | while read -r module; do cp "$modules/kernel/$module.ko" "$start/modules/"; done
mv "$machine" "$lab/box/machine"
inside "$lab" sh -euc '
    cd /box
    (cd start && find . | cpio --quiet -o -H newc) >kernel/initrd
    # The kernel as it is within its packed form, whose unpacking takes long under emulation.
    at=$(grep -obUaP "\xfd7zXZ\x00" kernel/vmlinuz | head -n 1 | cut -d : -f 1)
    tail -c +$((at + 1)) kernel/vmlinuz | xz -dc --single-stream >kernel/vmlinux
    truncate -s 1500M disk
    mkfs.ext4 -q -F -L root -m 0 -O ^has_journal -d machine disk
    qemu-img convert -O qcow2 disk box.img
    rm -rf disk machine start kernel/vmlinuz
    echo "{\"provider\":\"libvirt\",\"format\":\"qcow2\",\"virtual_size\":2}" >metadata.json
    echo "Vagrant.configure(\"2\") { |config| }" >Vagrantfile
    tar cf squall.box metadata.json Vagrantfile box.img
    rm metadata.json Vagrantfile box.img'
