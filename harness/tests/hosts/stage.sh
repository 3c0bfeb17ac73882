#!/bin/sh
# Machines that are reached by ssh, on this one: each in network, mount, pid and uts namespaces of its own, with its own address,
# /var, /run, /root, hostname and sshd. To be called as process 1 of such namespaces: stage.sh FOLDER NODES
# Ends, and everything with it, at the end of its input.
set -eu
base=$1 nodes=$2 here=$(dirname "$(readlink -f "$0")")

mount --make-rprivate /
mount -t proc proc /proc
# The controller's own home: its key, and the hosts that it knows.
mount -t tmpfs tmpfs /root
mkdir -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
ssh-keygen -q -t ed25519 -N '' -C '' -f "$base/hostkey"
cp /root/.ssh/id_ed25519.pub "$base/authorized_keys"
ip link set lo up
ip link add switch type bridge
ip addr add 10.99.0.254/24 dev switch
ip link set switch up
for n in $(seq "$nodes"); do
    mkdir -p "$base/n$n/var/lib"
    unshare --net --mount --pid --uts --fork --kill-child sh "$here/node.sh" "$base" "$n" >"$base/n$n/sshd.log" 2>&1 </dev/null &
    echo $! >"$base/n$n/pid"
    until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
    ip link add "port$n" type veth peer name eth0 netns $!
    ip link set "port$n" master switch up
    echo "10.99.0.$n $(cat "$base/hostkey.pub")" >>/root/.ssh/known_hosts
done
for n in $(seq "$nodes"); do
    until ssh -o BatchMode=yes -o ConnectTimeout=2 "10.99.0.$n" true 2>/dev/null; do :; done
done
echo ready
cat >/dev/null
