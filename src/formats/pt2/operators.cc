#include "formats/pt2/operators.h"

#include <algorithm>
#include <unordered_map>

namespace ropeway::pt2 {

const Operator* find_operator(std::string_view name) {
  static const std::unordered_map<std::string_view, const Operator*> rows = [] {
    std::unordered_map<std::string_view, const Operator*> result;
    for (const auto& family : {elementwise_operators(), layer_operators(), window_operators(), image_operators(), selection_operators(), reduction_operators(), shape_operators(), constant_operators()}) {
      for (const Operator& row : family) result.emplace(row.name, &row);
    }
    return result;
  }();
  const auto found = rows.find(name);
  return found == rows.end() ? nullptr : found->second;
}

std::optional<std::string> without_underscore(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0 || name[dot - 1] != '_') return std::nullopt;
  return std::string(name.substr(0, dot - 1)) + std::string(name.substr(dot));
}

bool is_assertion(std::string_view target) {
  constexpr std::string_view kTargets[] = {
      "torch.ops.aten._assert_tensor_metadata.default", "torch.ops.aten._assert_scalar.default",
      "torch.ops.aten._assert_async.msg",               "torch.ops.aten.sym_constrain_range.default",
      "torch.ops.aten.sym_constrain_range_for_size.default",
  };
  return std::find(std::begin(kTargets), std::end(kTargets), target) != std::end(kTargets);
}

}  // namespace ropeway::pt2
