#!/bin/sh
# What is looked at in the lab: machines come up, can do what faults need, and go.
set -eu
say() { printf '\n== %s\n' "$*"; }
fail() {
    printf 'machines: %s\n' "$*" >&2
    exit 1
}
quietly() {
    "$@" >log 2>&1 || {
        tail -n 40 log >&2
        fail "failed: $*"
    }
}
# A script as root on a machine.
on() {
    printf '%s\n' "$2" | ssh -F ssh-config "$1" sudo sh -eu || fail "$1: failed: $2"
}
cd /cluster

say 'vagrant up'
vagrant box list | grep -q '^squall ' || quietly vagrant box add --name squall /box/squall.box
begin=$(date +%s)
quietly vagrant up --no-tty --no-color
printf '%s machines after %s s\n' "$SQUALL_MACHINES" $(($(date +%s) - begin))
vagrant ssh-config >ssh-config

say 'what faults need'
for number in $(seq "$SQUALL_MACHINES"); do
    peer=192.168.56.$((11 + number % SQUALL_MACHINES))
    on "n$number" "
        [ \$(hostname) = n$number ]
        ip -o address show to 192.168.56.$((10 + number)) | grep -q eth1
        command -v etcd >/dev/null
        if pidof etcd; then echo etcd runs >&2; exit 1; fi
        reaches() { timeout 10 bash -c '</dev/tcp/$peer/22' 2>/dev/null; }
        reaches
        iptables -I INPUT -s $peer -j DROP
        if reaches; then echo a cut link carries packets >&2; exit 1; fi
        iptables -D INPUT -s $peer -j DROP
        reaches
        tc qdisc add dev eth1 root netem delay 50ms
        tc qdisc del dev eth1 root
        before=\$(date +%s)
        date -s @\$((before - 3600)) >/dev/null
        during=\$(date +%s)
        date -s @\$((during + 3600)) >/dev/null
        [ \$((before - during)) -gt 3500 ]"
    printf 'n%s: cuts and heals, delays packets, sets its clock, has an etcd that squall may start\n' "$number"
done

say 'vagrant destroy'
quietly vagrant destroy -f --no-tty --no-color
left=$(virsh -q list --all --name)
[ -z "$left" ] || fail "these are left: $left"
