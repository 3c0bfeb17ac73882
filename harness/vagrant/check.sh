#!/bin/sh
# check.sh: brings up three machines with the project's own Vagrantfile, looks whether they can do what faults need, destroys them,
# and leaves nothing. As root; needs debootstrap; takes some ten minutes on two processors, as the machines are emulated.
# With SQUALL_LAB=FOLDER the lab is made there, if it is not there yet, and stays.
set -eu
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || {
    echo 'check.sh: this needs root, for a Debian of its own and its namespaces; call it as root' >&2
    exit 1
}
if [ -n "${SQUALL_LAB:-}" ]; then
    mkdir -p "$SQUALL_LAB"
    folder=$SQUALL_LAB
else
    folder=$(mktemp -d "${TMPDIR:-/tmp}/squall-lab.XXXXXX")
    trap 'rm -rf --one-file-system "$folder"' EXIT
    trap 'exit 1' HUP INT TERM
fi
if [ ! -e "$folder/lab/box/squall.box" ]; then
    printf 'building a Debian with Vagrant, and a box for it\n'
    "$here/build.sh" "$folder"
fi
lab=$folder/lab
rm -rf "$lab/cluster"
mkdir -p "$lab/cluster"
cp "$here/../../Vagrantfile" "$here/machines.sh" "$lab/cluster/"
unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc "$here/lab.sh" "$folder" /cluster/machines.sh
