#!/usr/bin/env bash
# Boots a container with a real systemd over an overlay: boot.sh NAME IMAGE UPPER MOUNTPOINT
# Runs in a mount namespace of its own, in which alone the second view of the cgroups exists.
set -euo pipefail
name=$1 image=$2 upper=$3 mountpoint=$4
echo $$ >"$CGROUP/cgroup.procs"
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t overlay overlay -o "lowerdir=$image,upperdir=$upper,workdir=$upper.work" "$mountpoint"
# NET_ADMIN is not kept by itself with a network of its own, and IPAddressDeny= needs bpf.
exec systemd-nspawn --quiet --directory="$mountpoint" --boot --register=no --keep-unit \
  --machine="$name" --hostname=testhost --network-namespace-path="/run/netns/$name" \
  --notify-ready=yes --kill-signal=SIGRTMIN+4 --console=pipe --resolv-conf=off --timezone=off \
  --link-journal=no --capability=CAP_NET_ADMIN,CAP_BPF --system-call-filter="bpf @keyring"
