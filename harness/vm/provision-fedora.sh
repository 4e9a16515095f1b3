#!/bin/sh
# Makes a Fedora system a lab machine: Docker, ids for userns-remap. SELinux is enforcing there already, and its policy lets
# Docker relabel. Run as root, in the machine; it may be run again. Not tested by this project's CI.
set -eu
. "$(dirname "$0")/docker-host.sh"
dnf install -y --quiet audit moby-engine policycoreutils shadow-utils
remapped_users
docker
