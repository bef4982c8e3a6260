#!/bin/sh
# Debian's packages that the tests here need, those that are missing; needs root.
set -eu
missing=""
for package in $(cat "$(dirname "$0")/packages.txt"); do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
test -z "$missing" && exit
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -qq -y --no-install-recommends $missing >/dev/null
