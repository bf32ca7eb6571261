# Sourced by the scripts that build: finds the .NET SDK and a place for its own files, or says what is missing.
# Sets root, sdk (the folder of `dotnet`), and artifacts; leaves the working folder alone.
# shellcheck shell=bash
say() { printf '%s\n' "$*" >&2; }
fail() { say "${tool:-plimsoll}: error: $1"; shift; for line in "$@"; do say "${tool:-plimsoll}: hint: $line"; done; exit 3; }

root=$(cd -P "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd) || exit 3
artifacts=$root/artifacts
mkdir -p "$artifacts" 2>/dev/null && [ -w "$artifacts" ] ||
  fail "cannot write $artifacts, where the build goes" "build once as a user who may write there; after that a read-only tree works"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
if [ -z "${HOME:-}" ] || ! [ -w "$HOME" ]; then
  # The SDK and NuGet keep files in HOME; where there is none to write to, they stay with the build.
  export HOME=$artifacts/home DOTNET_CLI_HOME=$artifacts/home
  mkdir -p "$HOME"
fi

dotnet=
for candidate in ${DOTNET_ROOT:+"$DOTNET_ROOT/dotnet"} "$(command -v dotnet || true)" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet "$HOME/.dotnet/dotnet"; do
  [ -n "$candidate" ] && [ -x "$candidate" ] && { dotnet=$candidate; break; }
done
[ -n "$dotnet" ] || fail "no dotnet found in DOTNET_ROOT, PATH, /usr/share/dotnet, /usr/lib/dotnet or ~/.dotnet" \
  "install the .NET SDK 10 (https://dotnet.microsoft.com/download/dotnet/10.0), or copy a binary that ./publish made"
sdk=$(dirname "$(readlink -f "$dotnet")")
dotnet=$sdk/dotnet
if ! (cd "$root" && "$dotnet" --version) >/dev/null 2>&1; then
  found=$("$dotnet" --list-sdks 2>/dev/null | sed 's/ .*//' | paste -sd' ')
  fail "this tree needs the .NET SDK 10; $dotnet has: ${found:-no SDK}" "install the .NET SDK 10 (https://dotnet.microsoft.com/download/dotnet/10.0)"
fi
export DOTNET_ROOT=$sdk

# Runs dotnet quietly: its output goes to a log, and only what went wrong is shown.
# The lock on descriptor 9 stays with the script, or a compiler that lives on would hold it.
quiet() {
  local log=$artifacts/$1.log; shift
  (cd "$root" && "$dotnet" "$@") >"$log" 2>&1 </dev/null 9>&- && return 0
  { grep -E '(error|warning) [A-Z]+[0-9]+:' "$log" || tail -n 20 "$log"; } | sort -u | head -n 20 >&2
  say "the whole log: $log"
  return 1
}
