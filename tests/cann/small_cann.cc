// Libraries that need each other as CANN's and the driver's do: libascendcl.so needs libascend_hal.so, which needs libdrv_inner.so. Every function of CANN that
// gives a code gives what the driver's library says: 507899, which shows which one was asked, or 100039 from a link-time stub.
#define SHOWN extern "C" __attribute__((visibility("default")))

#if defined(SMALL_INNER)
SHOWN long drv_inner() { return 507899; }
#elif defined(SMALL_HAL)
SHOWN long drv_inner();
SHOWN long ascend_hal() { return drv_inner(); }
#elif defined(SMALL_STUB)
SHOWN long ascend_hal() { return 100039; }
#else
#include <type_traits>

#include "cann/types.h"

SHOWN long ascend_hal();

namespace ropeway::cann {

template <class Result>
Result answer() {
  if constexpr (std::is_pointer_v<Result>) return nullptr;
  else return static_cast<Result>(ascend_hal());
}

#define ROPEWAY_CANN(file, need, result, name, parameters) \
  SHOWN result name() { return answer<result>(); }
#include "cann/abi.def"
#undef ROPEWAY_CANN

}  // namespace ropeway::cann
#endif
