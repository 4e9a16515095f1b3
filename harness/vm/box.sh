#!/bin/sh
# What only a box needs, beside the provisioning: a name, a network, a disk to mount, keys. Run by mmdebstrap with the new
# root directory as its argument, after the packages are there.
#
# usage: box.sh ROOT INPUTS PUBLIC-KEY
set -eu
root=$1
inputs=$2
key=$3

echo whyblocked-lab >"$root/etc/hostname"
printf '127.0.0.1 localhost whyblocked-lab\n' >"$root/etc/hosts"
echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"

cat >"$root/etc/systemd/network/20-all.network" <<'END'
[Match]
Name=en* eth*
[Network]
DHCP=yes
END
chroot "$root" systemctl enable --quiet systemd-networkd.service

mkdir -p "$root/usr/share/whyblocked"
cp "$inputs"/* "$root/usr/share/whyblocked/"
chroot "$root" sh /usr/share/whyblocked/provision.sh /usr/share/whyblocked

echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
chmod 440 "$root/etc/sudoers.d/vagrant"
for home in root home/vagrant; do
    mkdir -p -m 700 "$root/$home/.ssh"
    cp "$key" "$root/$home/.ssh/authorized_keys"
    chmod 600 "$root/$home/.ssh/authorized_keys"
done
chroot "$root" chown -R vagrant:vagrant /home/vagrant
