// How the virtual device says no: a rule of its table, or any code, and a text for aclGetRecentErrMsg.
#pragma once

#include <span>
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

enum class Rule {
#define ROPEWAY_RULE(name, code, basis, text) name,
#include "virtual_npu/rules.def"
#undef ROPEWAY_RULE
};

struct RuleRow {
  const char* name;
  cann::aclError code;
  const char* basis;  // "documented", "assumed" or "own"
  const char* text;
};
// In the order of the enumeration.
std::span<const RuleRow> rules();

// Throws the rule's fault; `detail` says where or how much.
[[noreturn]] void refuse(Rule rule, const std::string& detail = "");

template <class... Args>
[[noreturn]] void refuse(Rule rule, fmt::format_string<Args...> detail, Args&&... args) {
  refuse(rule, fmt::format(detail, std::forward<Args>(args)...));
}

}  // namespace ropeway::virtual_npu
