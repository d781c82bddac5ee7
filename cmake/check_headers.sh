#!/usr/bin/env bash
# check_headers.sh CXX INCLUDE_FOLDER WORK_FOLDER [FLAGS…]
#
# Every header below INCLUDE_FOLDER/graft compiles alone, without warnings, and has #pragma once.
#
# Most of the time would go into parsing Eigen and the standard library again for each of them. A header that includes X
# (by whatever way) compiles alone if it does so after X was included, as long as each header that it includes compiles
# alone, which is checked here too. So each is compiled with the largest such X precompiled, of those that do not include
# it in turn.
set -euo pipefail
cxx=$1 include=$2 work=$3
shift 3
# clang can keep what a precompiled header instantiates, which is most of the rest of the time.
fast=()
if command -v clang++ >/dev/null; then cxx=clang++ fast=(-fpch-instantiate-templates); fi
flags=(-std=c++20 -O0 -I "$include" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror "${fast[@]}" "$@")
jobs=$(nproc 2>/dev/null || echo 2)
precompiled=(graft/io/keras/model_groups.hpp graft/io/keras/legacy_h5.hpp graft/models/model.hpp graft/nn/layer.hpp
             graft/core/tensor.hpp graft/core/config.hpp)

rm -rf "$work"
mkdir -p "$work"
cd "$include"
mapfile -t headers < <(find graft -name '*.hpp' | LC_ALL=C sort)
if ((${#headers[@]} == 0)); then
  echo "no headers below $include/graft" >&2
  exit 1
fi
status=0
if without=$(grep -L '^#pragma once' "${headers[@]}"); [[ -n $without ]]; then
  printf 'no #pragma once: %s\n' "$without"
  status=1
fi

for x in "${precompiled[@]}"; do
  if [[ ! -e $x ]]; then continue; fi
  mkdir -p "$work/$(dirname "$x")"
  printf '#include "%s"\n' "$x" >"$work/$x"
  # Found first as "$work/$x", with the precompiled form beside it.
  printf '%s\n' "$x"
done | xargs -r -P "$jobs" -I{} "$cxx" "${flags[@]}" -x c++-header "$work/{}" -o "$work/{}.gch" || status=1

# "header X" or "header -", X being the first of the list that the header includes, however indirectly.
grep -H '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]graft/' "${headers[@]}" |
  awk -v list="${precompiled[*]}" -v all="${headers[*]}" '
    { file = $0; sub(/:.*/, "", file); name = $0; sub(/^[^"<]*["<]/, "", name); sub(/[">].*/, "", name)
      direct[file] = direct[file] " " name }
    function reach(file, seen,    parts, n, i) {
      n = split(direct[file], parts, " ")
      for (i = 1; i <= n; i++) if (!(parts[i] in seen)) { seen[parts[i]] = 1; reach(parts[i], seen) }
    }
    END {
      n = split(all, headers, " "); m = split(list, candidates, " ")
      for (j = 1; j <= m; j++) {
        delete seen; reach(candidates[j], seen)
        for (x in seen) within[candidates[j], x] = 1
      }
      for (i = 1; i <= n; i++) {
        delete seen; reach(headers[i], seen); found = "-"
        for (j = m; j >= 1; j--) if (candidates[j] in seen && candidates[j] != headers[i] && !((candidates[j], headers[i]) in within)) found = candidates[j]
        for (j = 1; j <= m; j++) if (candidates[j] == headers[i]) found = "done"
        if (found != "done") print headers[i], found
      }
    }' >"$work/plan"

export cxx work
# One compilation; its messages appear in one piece.
compile() {
  local header=$1 x=$2 source output
  shift 2
  source=$work/$(tr / _ <<<"$header").cpp
  printf '#include "%s"\n' "$header" >"$source"
  if [[ $x != - ]]; then set -- "$@" -include "$work/$x"; fi
  if ! output=$("$cxx" "$@" -fsyntax-only "$source" 2>&1); then
    printf '%s does not compile alone:\n%s\n' "$header" "$output"
    return 1
  fi
}
export -f compile
xargs -a "$work/plan" -P "$jobs" -L1 bash -c 'compile "${@: -2}" "${@:1:$#-2}"' compile "${flags[@]}" || status=1

echo "${#headers[@]} headers, $(grep -c -v -- ' -$' "$work/plan" || true) of them with a precompiled one"
find "$work" -name '*.gch' -delete
exit "$status"
