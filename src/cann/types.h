// Types of CANN's C interface that loading and running a model needs: names, values and layouts as in AscendCL's Apache-2.0 headers of 2023.
// Functions keep CANN's own names throughout, so that its documentation and error texts can be looked up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ropeway::cann {

// Enumerations are as wide as an int, as C compilers make them; said aloud, so that a caller may pass numbers that have no name.
using aclError = int;  // 0 is success; see errors.def
using aclrtContext = void*;
using aclrtStream = void*;
using aclrtEvent = void*;

// What a virtual device keeps behind these is its own matter: callers only hold pointers.
struct aclDataBuffer;
struct aclmdlDataset;
struct aclmdlDesc;
struct aclTensorDesc;
struct aclprofConfig;
struct aclprofAicoreEvents;
struct aclprofSubscribeConfig;

enum aclDataType : int {
  ACL_DT_UNDEFINED = -1,
  ACL_FLOAT = 0,
  ACL_FLOAT16 = 1,
  ACL_INT8 = 2,
  ACL_INT32 = 3,
  ACL_UINT8 = 4,
  ACL_INT16 = 6,
  ACL_UINT16 = 7,
  ACL_UINT32 = 8,
  ACL_INT64 = 9,
  ACL_UINT64 = 10,
  ACL_DOUBLE = 11,
  ACL_BOOL = 12,
  ACL_BF16 = 27,
};

enum aclFormat : int { ACL_FORMAT_UNDEFINED = -1, ACL_FORMAT_NCHW = 0, ACL_FORMAT_NHWC = 1, ACL_FORMAT_ND = 2 };

enum aclrtRunMode : int { ACL_DEVICE, ACL_HOST };  // where this program runs: on the board itself, or on a host with a card

enum aclrtEventRecordedStatus : int { ACL_EVENT_RECORDED_STATUS_NOT_READY = 0, ACL_EVENT_RECORDED_STATUS_COMPLETE = 1 };

enum aclrtMemcpyKind : int { ACL_MEMCPY_HOST_TO_HOST, ACL_MEMCPY_HOST_TO_DEVICE, ACL_MEMCPY_DEVICE_TO_HOST, ACL_MEMCPY_DEVICE_TO_DEVICE };

enum aclrtMemMallocPolicy : int { ACL_MEM_MALLOC_HUGE_FIRST, ACL_MEM_MALLOC_HUGE_ONLY, ACL_MEM_MALLOC_NORMAL_ONLY };

enum aclrtMemAttr : int { ACL_DDR_MEM, ACL_HBM_MEM };

enum aclprofAicoreMetrics : int {
  ACL_AICORE_ARITHMETIC_UTILIZATION = 0,
  ACL_AICORE_PIPE_UTILIZATION = 1,
  ACL_AICORE_MEMORY_BANDWIDTH = 2,
  ACL_AICORE_L0B_AND_WIDTH = 3,
  ACL_AICORE_RESOURCE_CONFLICT_RATIO = 4,
  ACL_AICORE_MEMORY_UB = 5,
  ACL_AICORE_L2_CACHE = 6,
  ACL_AICORE_NONE = 0xFF,
};

struct aclmdlIODims {
  char name[128];
  size_t dimCount;
  int64_t dims[128];
};

// Single operators: what programs describe them with.
struct aclopAttr;

enum aclEngineType : int { ACL_ENGINE_SYS, ACL_ENGINE_AICORE, ACL_ENGINE_VECTOR };
using aclopEngineType = aclEngineType;
enum aclCompileType : int { ACL_COMPILE_SYS, ACL_COMPILE_UNREGISTERED };
using aclopCompileType = aclCompileType;

}  // namespace ropeway::cann
