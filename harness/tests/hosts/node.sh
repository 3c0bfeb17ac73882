#!/bin/sh
# One machine of stage.sh, as process 1 of its namespaces: node.sh FOLDER NUMBER
set -eu
base=$1 n=$2
mount --make-rprivate /
mount -t proc proc /proc
mount --bind "$base/n$n/var" /var
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /root
mkdir /run/sshd
hostname "machine$n"
# Besides root there is somebody who has to become root.
cp /etc/passwd /run/passwd
echo 'storm:*:1500:1500::/home/storm:/bin/sh' >>/run/passwd
mount --bind /run/passwd /etc/passwd
echo 'storm ALL=(ALL) NOPASSWD: ALL' >/run/sudoers
chmod 440 /run/sudoers
mount --bind /run/sudoers /etc/sudoers
printf '127.0.0.1 localhost machine%s\n' "$n" >/run/hosts
mount --bind /run/hosts /etc/hosts
mount -t tmpfs tmpfs /home
mkdir /home/storm
chown 1500:1500 /home/storm
ip link set lo up
until ip link set eth0 up 2>/dev/null; do :; done
ip addr add "10.99.0.$n/24" dev eth0
exec /usr/sbin/sshd -D -e -f /dev/null -h "$base/hostkey" -o Port=22 -o PermitRootLogin=prohibit-password \
    -o "AuthorizedKeysFile=$base/authorized_keys" -o StrictModes=no -o UsePAM=no -o UseDNS=no -o PidFile=none \
    -o MaxSessions=64 -o MaxStartups=64:30:128
