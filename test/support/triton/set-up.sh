#!/bin/sh
# Makes the virtual environment in which Triton runs: set-up.sh FOLDER REQUIREMENTS
# Run under a lock. What a killed run has left behind is made anew.
set -e
folder=$1
requirements=$2
if cmp -s "$requirements" "$folder/complete"; then exit 0; fi
rm -rf "$folder"
# Debian's Python comes without the part that puts pip into an environment. Lists of packages may be missing altogether.
if ! /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 python3-venv
fi
/usr/bin/python3 -m venv "$folder"
"$folder/bin/python" -m pip install --disable-pip-version-check --no-input --requirement "$requirements"
cp "$requirements" "$folder/complete"
