// Libraries that need each other as CANN's and the driver's do: libascendcl.so needs libascend_hal.so, which needs libdrv_inner.so. Every function of CANN returns what
// the driver's library says: 507899, a code that shows which one was asked, or 100039 from a link-time stub.
#define SHOWN extern "C" __attribute__((visibility("default")))

#if defined(SMALL_INNER)
SHOWN long drv_inner() { return 507899; }
#elif defined(SMALL_HAL)
SHOWN long drv_inner();
SHOWN long ascend_hal() { return drv_inner(); }
#elif defined(SMALL_STUB)
SHOWN long ascend_hal() { return 100039; }
#else
SHOWN long ascend_hal();
#define ROPEWAY_CANN(file, need, result, name, parameters) \
  SHOWN long name() { return ascend_hal(); }
#include "cann/abi.def"
#endif
