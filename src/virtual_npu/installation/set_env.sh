# Ropeway's virtual CANN: source this file, and programs find it as they would find CANN.
if [ -n "${BASH_SOURCE:-}" ]; then _ropeway_here="${BASH_SOURCE[0]}"; else _ropeway_here="$0"; fi
ASCEND_HOME_PATH="$(cd "$(dirname "$_ropeway_here")" && pwd)"
if [ ! -e "$ASCEND_HOME_PATH/lib64/libascendcl.so" ]; then
  echo "set_env.sh: this shell does not say where the file is: use bash, or cd to its folder first" >&2
  unset ASCEND_HOME_PATH _ropeway_here
  return 1
fi
export ASCEND_HOME_PATH
export ASCEND_TOOLKIT_HOME="$ASCEND_HOME_PATH"
export LD_LIBRARY_PATH="$ASCEND_HOME_PATH/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PATH="$ASCEND_HOME_PATH/bin:$PATH"
unset _ropeway_here
