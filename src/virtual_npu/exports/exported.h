// What every exported function is made with. None throws: a failing one returns a code of CANN's and leaves a text for aclGetRecentErrMsg.
#pragma once

#include <new>
#include <string>
#include <vector>

#include "cann/functions.h"
#include "virtual_npu/device.h"
#include "virtual_npu/fault.h"

namespace ropeway::cann {

// Declared from the table, so that a definition of another type does not compile; tests read that the library exports them all.
#define ROPEWAY_CANN(library, need, result, name, parameters) extern "C" __attribute__((visibility("default"))) result name parameters;
#include "cann/abi.def"
#undef ROPEWAY_CANN

// Opaque to callers.
struct aclDataBuffer {
  void* data;
  size_t size;
};
struct aclmdlDataset {
  std::vector<aclDataBuffer*> buffers;
};
struct aclmdlDesc {
  std::shared_ptr<const virtual_npu::Model> model;
};

// Keeps the text for the calling thread; returns `code`.
aclError remember(aclError code, const std::string& text);

template <class Action>
aclError guarded(Action&& action) noexcept {
  try {
    action(virtual_npu::Device::instance());
    return ACL_SUCCESS;
  } catch (const virtual_npu::Fault& fault) {
    return remember(fault.code(), fault.what());
  } catch (const Error& error) {
    return remember(error.code() == ErrorCode::out_of_memory ? ACL_ERROR_BAD_ALLOC : ACL_ERROR_INTERNAL_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    return remember(ACL_ERROR_BAD_ALLOC, "this machine's memory is exhausted");
  } catch (const std::exception& error) {
    return remember(ACL_ERROR_INTERNAL_ERROR, error.what());
  }
}

// For functions that give a value: `otherwise` when something is wrong.
template <class T, class Action>
T guarded_value(T otherwise, Action&& action) noexcept {
  T result = otherwise;
  const aclError code = guarded([&](virtual_npu::Device&) { result = action(); });
  return code == ACL_SUCCESS ? result : otherwise;
}

inline void require(const void* pointer, const char* what) {
  if (pointer == nullptr) virtual_npu::refuse(ACL_ERROR_INVALID_PARAM, "{} is a null pointer", what);
}

[[noreturn]] inline void not_implemented(const char* function) { virtual_npu::refuse(ACL_ERROR_API_NOT_SUPPORT, "{} is not implemented by Ropeway's virtual CANN", function); }

// ACL_DT_UNDEFINED for none.
aclDataType data_type(DType dtype);

}  // namespace ropeway::cann
