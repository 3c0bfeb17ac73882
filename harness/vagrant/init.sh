#!/bin/busybox sh
# The first process of a machine of the lab: finds its disk, and hands over to the system on it.
# These of the kernel's modules are needed for that, in this order:
# module drivers/virtio/virtio_ring
# module drivers/virtio/virtio
# module drivers/virtio/virtio_pci_modern_dev
# module drivers/virtio/virtio_pci_legacy_dev
# module drivers/virtio/virtio_pci
# module drivers/block/virtio_blk
# module net/core/failover
# module drivers/net/net_failover
# module drivers/net/virtio_net
# module lib/crc16
# module fs/mbcache
# module fs/jbd2/jbd2
# module crypto/crc32c_generic
# module fs/ext4/ext4
box=/bin/busybox
$box mount -t proc proc /proc
$box mount -t sysfs sysfs /sys
$box mount -t devtmpfs devtmpfs /dev
$box sed -n 's/^# module .*\///p' /init | while read -r module; do $box insmod "/modules/$module.ko"; done
tries=0
until [ -b /dev/vda ] || [ $tries = 100 ]; do
    $box usleep 100000
    tries=$((tries + 1))
done
$box mount -t ext4 -o rw,noatime /dev/vda /root || exec $box sh
for folder in dev proc sys; do $box mount --move "/$folder" "/root/$folder"; done
exec $box switch_root /root /sbin/init
