#!/bin/sh
# Makes a Fedora system a lab machine: Docker, ids for userns-remap. SELinux is enforcing there already, and its policy lets
# Docker relabel. Run as root, in the machine; it may be run again. Not tested by this project's CI.
set -eu
dnf install -y --quiet audit moby-engine policycoreutils shadow-utils
id dockremap >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin dockremap
for file in /etc/subuid /etc/subgid; do
    touch "$file"
    sed -i '/^vagrant:/d; /^dockremap:/d' "$file"
    printf 'vagrant:100000:65536\ndockremap:165536:65536\n' >>"$file"
done
mkdir -p /etc/docker
[ -e /etc/docker/daemon.json ] || echo '{"selinux-enabled": true}' >/etc/docker/daemon.json
