// How the virtual device says no: a code of CANN's and a text for aclGetRecentErrMsg.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "base/text.h"
#include "cann/errors.h"

namespace ropeway::virtual_npu {

// Thrown inside the virtual library, caught by every exported function.
class Fault : public std::runtime_error {
 public:
  Fault(cann::aclError code, const std::string& text) : std::runtime_error(text), code_(code) {}
  cann::aclError code() const { return code_; }

 private:
  cann::aclError code_;
};

template <class... Args>
[[noreturn]] void refuse(cann::aclError code, fmt::format_string<Args...> format, Args&&... args) {
  throw Fault(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ropeway::virtual_npu
