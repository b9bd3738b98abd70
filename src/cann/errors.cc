#include "cann/errors.h"

#include <fmt/format.h>

namespace ropeway::cann {

std::string describe(aclError code) {
  switch (code) {
#define ROPEWAY_CANN_ERROR(number, name) \
  case number: return #number " (" #name ")";
#include "cann/errors.def"
#undef ROPEWAY_CANN_ERROR
    default: return fmt::format("{} (a code that CANN does not list)", code);
  }
}

bool is_listed(aclError code) {
  switch (code) {
#define ROPEWAY_CANN_ERROR(number, name) case number:
#include "cann/errors.def"
#undef ROPEWAY_CANN_ERROR
    return true;
    default: return false;
  }
}

// From CANN's documentation and what its users report.
const char* remedy(aclError code) {
  switch (code) {
    case ACL_ERROR_INVALID_FILE:
    case ACL_ERROR_READ_MODEL_FAILURE:
    case ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID: return "check that the file is there and may be read";
    case ACL_ERROR_DESERIALIZE_MODEL:
    case ACL_ERROR_PARSE_MODEL:
    case ACL_ERROR_MODEL_MISSING_ATTR:
    case ACL_ERROR_GE_LOAD_MODEL: return "the .om is damaged, or of a CANN newer than this one: compile it again with a CANN no newer than this";
    case ACL_ERROR_RT_SOC_VERSION:
    case ACL_ERROR_RT_TASK_TYPE_NOT_SUPPORT: return "the .om is for another chip: compile it for this one";
    case ACL_ERROR_COMPILING_STUB_MODE: return "a link-time stub was loaded: put CANN's lib64 before stub and devlib in LD_LIBRARY_PATH";
    case ACL_ERROR_RT_INVALID_DEVICEID:
    case ACL_ERROR_RT_NO_DEVICE: return "see whether npu-smi info lists the NPU; its driver may not be loaded";
    case ACL_ERROR_RT_NO_PERMISSION: return "add this user to the group HwHiAiUser, and log in again; in a container pass the device nodes /dev/davinci*";
    case ACL_ERROR_RT_MEMORY_ALLOCATION:
    case ACL_ERROR_RT_DEVICE_OOM:
    case ACL_ERROR_BAD_ALLOC:
    case ACL_ERROR_GE_MEMORY_ALLOCATION:
    case ACL_ERROR_GE_DEVICE_MEMORY_ALLOCATION_FAILED: return "use a smaller batch or model, and end other programs that use the NPU";
    case ACL_ERROR_RT_AICORE_TIMEOUT:
    case ACL_ERROR_RT_AICORE_EXCEPTION:
    case ACL_ERROR_RT_MODEL_EXECUTE: return "see the driver's log for the operator that failed";
    case ACL_ERROR_RT_AICPU_TIMEOUT:
    case ACL_ERROR_RT_AICPU_EXCEPTION: return "avoid the operators that the chip leaves to its control CPU";
    case ACL_ERROR_RT_CONTEXT_NULL: return "give every thread a context: aclrtSetCurrentContext or aclrtSetDevice";
    case ACL_ERROR_REPEAT_INITIALIZE: return "take it for success: another library of this process has called aclInit";
    case ACL_ERROR_INVALID_OPP_PATH: return "point ASCEND_OPP_PATH at the folder opp of CANN";
    case ACL_ERROR_FAILURE: return "see whether Python lacks packages: `ropeway doctor` lists them";
    case ACL_ERROR_RT_FEATURE_NOT_SUPPORT: return "after an upgrade of CANN, upgrade driver and firmware too";
    case ACLNN_ERR_INNER_FIND_KERNEL_ERROR:
    case ACLNN_ERR_INNER_OPP_PATH_NOT_FOUND:
    case ACLNN_ERR_INNER_OPP_KERNEL_PKG_NOT_FOUND: return "install CANN's kernels package for the 310B, or run compiled models, which need none";
    case ACL_ERROR_RT_LOST_HEARTBEAT: return "the device no longer answers: reset it, or restart the board";
    default: return "";
  }
}

}  // namespace ropeway::cann
