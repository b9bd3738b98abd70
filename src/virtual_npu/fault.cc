#include "virtual_npu/fault.h"

#include <array>

namespace ropeway::virtual_npu {

std::span<const RuleRow> rules() {
  static constexpr auto kRules = std::to_array<RuleRow>({
#define ROPEWAY_RULE(name, code, basis, text) {#name, cann::code, #basis, text},
#include "virtual_npu/rules.def"
#undef ROPEWAY_RULE
  });
  return kRules;
}

void refuse(Rule rule, const std::string& detail) {
  const RuleRow& row = rules()[static_cast<size_t>(rule)];
  throw Fault(row.code, detail.empty() ? row.text : fmt::format("{}: {}", row.text, detail));
}

}  // namespace ropeway::virtual_npu
