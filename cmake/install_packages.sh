# Sourced by examples/run, tests/run and .ci/run: what they have in common. Installs what is missing on Debian and Ubuntu.

jobs=$(nproc 2>/dev/null || echo 2)

# A file that was compiled in one checkout is taken from ccache in another, one with the tests' precompiled header, too.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

say() { printf 'graft: %s\n' "$*" >&2; }

# The compiler: $CXX, else g++ 12 or later, else clang 14 or later. Ubuntu 22.04's g++ is 11, but it has a g++-12.
choose_compiler() {
  compiler_package=()
  if [[ -n ${CXX:-} ]]; then return; fi
  if command -v g++ >/dev/null && (($(g++ -dumpversion | cut -d. -f1) >= 12)); then return; fi
  if command -v clang++ >/dev/null && (($(clang++ -dumpversion | cut -d. -f1) >= 14)); then
    export CXX=clang++
  elif grep -qs '^VERSION_ID="22.04"' /etc/os-release || command -v g++ >/dev/null; then
    export CXX=g++-12
    compiler_package=(g++-12:g++-12)
  else
    compiler_package=(g++:g++)
  fi
}

# need_to_build [ENTRY…]   What every build needs, and the entries given.
need_to_build() {
  choose_compiler
  local make=(ninja:ninja-build)
  if command -v make >/dev/null; then make=(); fi
  need "${compiler_package[@]}" cmake:cmake "${make[@]}" libeigen3-dev libhdf5-dev nlohmann-json3-dev zlib1g-dev libzip-dev \
       libjpeg-dev libpng-dev "$@"
}

# need ENTRY…   An entry is PACKAGE, TOOL:PACKAGE (there when the tool can be called, from wherever), or ?PACKAGE (left out
# when apt does not have it). What is missing is named and installed in one go; with nothing missing apt is not called.
# Nothing is asked, but for the one password that sudo may want.
need() {
  local entry package missing=() optional=() available=() log
  for entry in "$@"; do
    package=${entry#*:}
    if [[ $entry == *:* ]] && command -v "${entry%%:*}" >/dev/null; then continue; fi
    if dpkg-query -W -f='${db:Status-Status}\n' "${package#\?}" 2>/dev/null | grep -qx installed; then continue; fi
    if [[ $package == \?* ]]; then optional+=("${package#\?}"); else missing+=("$package"); fi
  done
  if ((${#missing[@]} + ${#optional[@]} == 0)); then return 0; fi

  if ! command -v apt-get >/dev/null; then
    if ((${#missing[@]})); then say "no apt-get here: going on without a look for Debian's ${missing[*]}"; fi
    return 0
  fi
  local as_root=()
  if (($(id -u) != 0)); then
    if ! command -v sudo >/dev/null; then
      say "missing; as root: apt-get install" "${missing[@]}" "${optional[@]}"
      ((${#missing[@]} == 0))
      return
    fi
    as_root=(sudo)
  fi

  say "installing with apt-get:" "${missing[@]}" "${optional[@]}"
  log=$(mktemp)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 || cat "$log" >&2
  for package in "${optional[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      available+=("$package")
    else
      say "apt has no $package: going on without it"
    fi
  done
  if ((${#missing[@]} + ${#available[@]})) &&
     ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
       "${missing[@]}" "${available[@]}" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    say 'apt-get failed'
    return 1
  fi
  rm -f "$log"
}

# The entry for the data of the Fashion-MNIST examples, unless GRAFT_DATA says where they lie.
fashion_mnist=('?dataset-fashion-mnist')
if [[ -n ${GRAFT_DATA:-} ]]; then fashion_mnist=(); fi

check_fashion_mnist() {
  if [[ -z ${GRAFT_DATA:-} && ! -e /usr/share/datasets/fashion-mnist ]]; then
    say 'the Fashion-MNIST data are missing. This line gets them:'
    say '  git clone --depth 1 https://github.com/zalandoresearch/fashion-mnist ~/fashion-mnist && export GRAFT_DATA=~/fashion-mnist/data/fashion'
  fi
}

# configure FOLDER ARGUMENTS…   A folder keeps the generator that it has; a new one gets Ninja, if that is there.
configure() {
  local folder=$1 generator=()
  shift
  if [[ ! -e $folder/CMakeCache.txt ]] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
  cmake -S "$root" -B "$folder" "${generator[@]}" "$@"
}
