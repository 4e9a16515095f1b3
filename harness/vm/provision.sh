#!/bin/sh
# Makes a Debian 13 system a lab machine: packages, a policy module, ids for userns-remap, a quick boot. Run as root, in
# the machine itself or in its root directory while a box is made. It may be run again: what is there already stays.
#
# usage: provision.sh DIRECTORY [selinux|apparmor]
#   DIRECTORY  where the other files of this directory are
#   the module, if the boot loader of this machine is to be told of it; a box that is booted without a boot loader is
#   told on the kernel's command line
set -eu
here=$1
module=${2:-}
export DEBIAN_FRONTEND=noninteractive
. "$here/docker-host.sh"

install_packages() {
    missing=$(while read -r package; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done <"$here/packages.txt")
    if [ -n "$missing" ]; then
        apt-get update -qq
        # shellcheck disable=SC2086  # one word each
        apt-get install -y -qq --no-install-recommends $missing
    fi
}

selinux() {
    cat >/etc/selinux/config <<'END'
SELINUX=enforcing
SELINUXTYPE=default
SETLOCALDEFS=0
END
    missing=$(for policy in docker-binds lab-types; do
        semodule -l 2>/dev/null | grep -qx "$policy" || echo "$here/$policy.cil"
    done)
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086  # one word each
        semodule -n -i $missing
        # In a machine that runs with SELinux the new policy is to hold at once.
        if [ -e /sys/fs/selinux/enforce ]; then load_policy; fi
    fi
}

# The host's directory that everybody may write, as an administrator might have made it.
shared() {
    install -d -m 1777 -o root -g root /shared
}

# The profile of the scenario apparmor-silent-deny. A machine that runs AppArmor has it at once; others, when it starts.
apparmor() {
    install -m 644 "$here/apparmor-silent-deny" /etc/apparmor.d/whyblocked-silent-deny
    if [ -d /run/systemd/system ] && [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
        apparmor_parser --replace /etc/apparmor.d/whyblocked-silent-deny
    fi
}

# A module that containers try to load, uncompressed: the kernel takes no other from a file, unless it is told.
modules() {
    for module in /lib/modules/*/kernel/drivers/net/dummy.ko*; do
        [ -e "$module" ] || continue
        kernel=${module#/lib/modules/}
        place=/usr/lib/whyblocked/modules/${kernel%%/*}
        mkdir -p "$place"
        case $module in
        *.xz) busybox xzcat "$module" ;;
        *.gz) busybox zcat "$module" ;;
        *) cat "$module" ;;
        esac >"$place/dummy.ko"
    done
}

# What whyblocked looks for before it lets probes change the machine. Only where it is a virtual one too.
disposable() {
    install -d -m 755 -o root -g root /etc/whyblocked
    cat >/etc/whyblocked/disposable <<'END'
This machine was made to be thrown away. While this file is here (root's own, in a virtual machine), whyblocked lets
probes do here what it lets them do nowhere else: load and remove kernel modules, set the clock, write to the real /etc.
END
    chmod 644 /etc/whyblocked/disposable
}

# Whoever waits for the machine waits for these too.
quick_boot() {
    systemctl mask --quiet systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
        dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service ldconfig.service \
        systemd-journal-catalog-update.service getty@tty1.service 2>/dev/null || true
}

boot_with() {
    [ -d /etc/default/grub.d ] || return 0
    case $1 in
    selinux) options="security=selinux selinux=1 enforcing=1" ;;
    apparmor) options="security=apparmor apparmor=1" ;;
    *) echo "provision.sh: '$1' is neither selinux nor apparmor" >&2 && exit 2 ;;
    esac
    line="GRUB_CMDLINE_LINUX=\"\$GRUB_CMDLINE_LINUX $options\""
    file=/etc/default/grub.d/whyblocked.cfg
    if ! grep -qxF "$line" "$file" 2>/dev/null; then
        echo "$line" >"$file"
        update-grub
        if [ "$1" = selinux ]; then touch /.autorelabel; fi
        echo "provision.sh: the machine has to be started anew, with $1"
    fi
}

install_packages
remapped_users
selinux
docker
shared
apparmor
modules
disposable
quick_boot
if [ -n "$module" ]; then boot_with "$module"; fi
