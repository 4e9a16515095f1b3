#!/bin/sh
# Runs a command where libvirt's daemons run, and everything is its own: processes, network, mounts. What is written to /etc
# and /var stays in DIRECTORY, /run is empty, and all processes end with the command. It needs root, and no systemd.
#
# usage: with-libvirtd.sh DIRECTORY COMMAND…
set -eu
if [ "${1:-}" != inside ]; then
    exec unshare --mount --net --pid --fork --kill-child --mount-proc sh "$0" inside "$@"
fi
directory=$2
shift 2
for place in etc var; do
    mkdir -p "$directory/$place" "$directory/work-$place"
    mount -t overlay overlay \
        -o "lowerdir=/$place,upperdir=$directory/$place,workdir=$directory/work-$place" "/$place"
done
mount -t tmpfs tmpfs /run
ip link set lo up
# There may be no user of QEMU's own here, no control group that libvirt may use, and no module that keeps machines apart.
cat >/etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
cgroup_controllers = [ ]
security_driver = "none"
namespaces = [ ]
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
CONF
virtlogd -d
libvirtd -d
tries=0
until virsh --connect qemu:///system version >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then
        echo "with-libvirtd.sh: libvirtd does not answer" >&2
        exit 1
    fi
    sleep 0.1
done
"$@"
