#!/usr/bin/env bash
# Installs the packages named in a file when this is root on a system with apt; else says what is missing.
set -euo pipefail
missing=()
while read -r package; do
  [[ -z "$package" || "$package" == \#* ]] && continue
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done < "$1"
[[ ${#missing[@]} -eq 0 ]] && exit 0
if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
  apt-get update -qq
  known=()
  for package in "${missing[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      known+=("$package")
    else
      echo "apt knows no package $package here: tests that need it are skipped and say so" >&2
    fi
  done
  [[ ${#known[@]} -eq 0 ]] && exit 0
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${known[@]}" >/dev/null
else
  echo "Some tests need packages that only root can install; without them they are skipped and say so:" >&2
  echo "  sudo apt-get install ${missing[*]}" >&2
fi
