#!/usr/bin/env bash
# machine.sh DIRECTORY CGROUP [PATH=THERE…]: becomes process 1 of a machine of its own, systemd. It
# sees what this machine's root file system has, and what it writes there is gone with it; files and
# folders that are named it sees read-only as well, where it says. It has its own processes, network,
# cgroups and units: none of this machine's. DIRECTORY is an empty one, CGROUP a new one's name.
set -euo pipefail
directory=$1 cgroup=$2
shift 2

# The hierarchy that systemd uses: its own where the others are of the first version.
if grep -q ':name=systemd:' /proc/self/cgroup; then
  hierarchy=/sys/fs/cgroup/systemd kind=(-t cgroup -o none,name=systemd)
else
  hierarchy=/sys/fs/cgroup kind=(-t cgroup2)
fi

if [[ ${INSIDE:-} != yes ]]; then
  mkdir "$hierarchy/$cgroup"
  echo $$ >"$hierarchy/$cgroup/cgroup.procs"
  INSIDE=yes exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child \
    bash "$0" "$directory" "$cgroup" "$@"
fi

mount --make-rprivate /
mount -t tmpfs -o size=2g tmpfs "$directory"
mkdir "$directory"/{upper,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" \
  overlay "$directory/root"
cd "$directory/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mkdir -p ".$hierarchy"
mount "${kind[@]}" cgroup ".$hierarchy"
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
for shown in "$@"; do
  from=${shown%%=*} to=.${shown#*=}
  mkdir -p "$(dirname "$to")"
  if [[ -d $from ]]; then mkdir -p "$to"; else touch "$to"; fi
  mount --bind "$from" "$to"
  mount -o remount,ro,bind "$to"
done

# Of units only those that every service is ordered by.
units=$PWD/usr/lib/systemd
rm -rf "$units"/system-generators etc/systemd/system/* etc/init.d/* run/lock
mkdir run/lock kept
for unit in sysinit basic multi-user network network-online shutdown umount slices; do
  cp "$units/system/$unit.target" kept
done
rm -rf "$units"/system/*
cp kept/* "$units/system"
rm -rf kept etc/fstab etc/machine-id usr/sbin/policy-rc.d

mkdir before
pivot_root . before
umount -l /before
exec env -i container=raftlite-test PATH="$PATH" \
  /lib/systemd/systemd --unit=multi-user.target --log-target=console --log-level=notice
