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

// To ROPEWAY_VIRTUAL_LOG, when that is set.
void log_call(const char* function, aclError code, const std::string& text) noexcept;
// The text of the last failure of this thread that nobody has asked for.
const std::string& remembered();

// Keeps the text for the calling thread; returns `code`.
aclError remember(aclError code, const std::string& text);

// `function` is the caller's own name. Also in a forked child.
template <class Action>
aclError caught(const char* function, Action&& action) noexcept {
  const auto perform = [&] {
    try {
      virtual_npu::Device& device = virtual_npu::Device::instance();
      device.failures().begin(function);
      action(device);
      return ACL_SUCCESS;
    } catch (const virtual_npu::Fault& fault) {
      return remember(fault.code(), fmt::format("{}: {}", function, fault.what()));
    } catch (const Error& error) {
      return remember(error.code() == ErrorCode::out_of_memory ? ACL_ERROR_BAD_ALLOC : ACL_ERROR_INTERNAL_ERROR, fmt::format("{}: {}", function, error.what()));
    } catch (const std::bad_alloc&) {
      return remember(ACL_ERROR_BAD_ALLOC, fmt::format("{}: this machine's memory is exhausted", function));
    } catch (const std::exception& error) {
      return remember(ACL_ERROR_INTERNAL_ERROR, fmt::format("{}: {}", function, error.what()));
    }
  };
  try {
    const aclError code = perform();
    log_call(function, code, code == ACL_SUCCESS ? std::string() : remembered());
    return code;
  } catch (...) {  // no memory even for the text
    return ACL_ERROR_BAD_ALLOC;
  }
}

// For all that belongs to the device.
template <class Action>
aclError guarded(const char* function, Action&& action) noexcept {
  return caught(function, [&](virtual_npu::Device& device) {
    device.check_process();
    action(device);
  });
}

// For functions that give a value: `otherwise` when something is wrong.
template <class T, class Action>
T guarded_value(const char* function, T otherwise, Action&& action) noexcept {
  T result = otherwise;
  const aclError code = guarded(function, [&](virtual_npu::Device& device) { result = action(device); });
  return code == ACL_SUCCESS ? result : otherwise;
}

inline void require(const void* pointer, const char* what) {
  if (pointer == nullptr) virtual_npu::refuse(virtual_npu::Rule::null_pointer, what);
}

// For functions that write a value to a place of the caller's, which messages call `what`.
template <class T, class Value>
aclError written(const char* function, T* place, const char* what, Value value) noexcept {
  return guarded(function, [&](virtual_npu::Device& device) {
    require(place, what);
    *place = value(device);
  });
}

// The objects of a kind that callers hold. Never destroyed: a caller's own static objects may use them to the end.
template <class T>
virtual_npu::Handles<T>& handles_of() {
  static auto* const handles = new virtual_npu::Handles<T>;
  return *handles;
}

// An object that callers hold: refuses null, foreign and destroyed ones.
template <class T>
std::shared_ptr<T> known(const void* handle, const char* what) {
  require(handle, what);
  std::shared_ptr<T> found = handles_of<T>().find(handle);
  if (found == nullptr) virtual_npu::refuse(virtual_npu::Rule::foreign_handle, what);
  return found;
}
template <class T>
void destroy(const void* handle, const char* what) {
  require(handle, what);
  if (handles_of<T>().remove(handle) == nullptr) virtual_npu::refuse(virtual_npu::Rule::foreign_handle, what);
}

[[noreturn]] inline void not_implemented() { virtual_npu::refuse(virtual_npu::Rule::not_implemented); }

// ACL_DT_UNDEFINED for none.
aclDataType data_type(DType dtype);
// Of one element; 0 for a type that has no such size.
size_t bytes_of(aclDataType type);

}  // namespace ropeway::cann
