#include "formats/missing.h"

#include "base/text.h"

namespace ropeway {

void MissingOperators::add(const std::string& name, const Origin& origin) {
  auto& [count, first] = found_[name];
  if (count++ == 0) first = to_string(origin);
}

void MissingOperators::fail_if_any(const std::string& file, const std::string& remedy) const {
  if (found_.empty()) return;
  std::string list;
  for (const auto& [name, row] : found_) list += fmt::format("\n  {}: {} node{}, first {}", name, row.first, row.first == 1 ? "" : "s", row.second);
  fail(ErrorCode::unsupported, "{} uses {} operator{} that nothing here can run. {}:{}", file, found_.size(), found_.size() == 1 ? "" : "s", remedy, list);
}

}  // namespace ropeway
