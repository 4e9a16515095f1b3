# What every lab machine with Docker has, whichever its distribution: sourced by the provisioning scripts.

# The ids of the source notes, and Docker's own user: SELinux keeps dockerd from making it.
remapped_users() {
    id vagrant >/dev/null 2>&1 || useradd --create-home --shell /bin/bash vagrant
    id dockremap >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin dockremap
    for file in /etc/subuid /etc/subgid; do
        touch "$file"
        sed -i '/^vagrant:/d; /^dockremap:/d' "$file"
        printf 'vagrant:100000:65536\ndockremap:165536:65536\n' >>"$file"
    done
}

# Control groups by systemd cost an emulated processor seconds for each container: its bus announces every one. Who makes them has
# no part in any verdict.
docker() {
    mkdir -p /etc/docker
    [ -e /etc/docker/daemon.json ] ||
        echo '{"selinux-enabled": true, "exec-opts": ["native.cgroupdriver=cgroupfs"]}' >/etc/docker/daemon.json
}
