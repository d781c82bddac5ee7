#!/usr/bin/env bash
# check_headers_selftest.sh CXX WORK_FOLDER
#
# Shows that check_headers.sh can fail: small trees with one fault at a time.
set -euo pipefail
cxx=$1 work=$2
check=$(dirname "${BASH_SOURCE[0]}")/check_headers.sh

# tree EXPECTED HEADER TEXT
tree() {
  rm -rf "$work"
  mkdir -p "$work/include/graft/core"
  printf '#pragma once\n#include <vector>\n' >"$work/include/graft/core/tensor.hpp"
  printf '#pragma once\n#include "graft/core/tensor.hpp"\ninline std::vector<int> none() { return {}; }\n' \
    >"$work/include/graft/core/good.hpp"
  if [[ -n $2 ]]; then printf '%b\n' "$3" >"$work/include/graft/core/$2"; fi
  local status=good output
  output=$(bash "$check" "$cxx" "$work/include" "$work/out" 2>&1) || status=bad
  if [[ $status != "$1" || ($status == bad && $output != *"$2"*) ]]; then
    printf 'expected %s with %s:\n%s\n' "$1" "${3:-nothing more}" "$output"
    exit 1
  fi
}

tree good '' ''
tree bad missing_std.hpp '#pragma once\ninline std::vector<int> some() { return {}; }'
tree bad missing_ours.hpp '#pragma once\n#include "graft/core/tensor.hpp"\ninline auto more() { return none(); }'
tree bad warning.hpp '#pragma once\n#include "graft/core/tensor.hpp"\ninline int narrow(double x) { return x; }'
tree bad no_guard.hpp 'struct Twice {};'
rm -rf "$work/include"
mkdir -p "$work/include/graft"
if bash "$check" "$cxx" "$work/include" "$work/out" >/dev/null 2>&1; then
  echo 'an empty tree was accepted'
  exit 1
fi
