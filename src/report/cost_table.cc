#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "report/cost.h"
#include "report/table.h"
#include "report/width.h"

namespace ropeway {
namespace {

std::string numbers(double ms, double share, const std::string& bound, double flops, double bytes) {
  return fmt::format("{:>9.3f} {:>5.1f} %  {:<6} {:>9.3f} {:>9.3f}", ms, 100 * share, bound, flops / 1e9, bytes / 1e6);
}

}  // namespace

std::string to_table(const CostReport& report) {
  const double total = report.total_ms();
  size_t path_width = 6, longest = 12;
  for (const CostRow& row : report.rows) {
    path_width = std::max(path_width, std::min(kLongestPath, display_width(row.path)));
    longest = std::max(longest, display_width(row.description));
  }
  const std::string head = fmt::format("{:>9} {:>7}  {:<6} {:>9} {:>9}", "ms", "share", "bound", "GFLOP", "MB");
  const size_t number_width = std::to_string(report.rows.size()).size(), taken = number_width + path_width + display_width(head) + 6;
  const size_t description_width = std::min(longest, std::max(kTableWidth > taken ? kTableWidth - taken : 0, kShortestDescription));
  const auto line = [&](const std::string& number, const std::string& path, const std::string& description, const std::string& rest) {
    return right_aligned(number, number_width) + "  " + left_aligned(shortened_front(path, path_width), path_width) + "  " +
           left_aligned(shortened(description, description_width), description_width) + "  " + rest + "\n";
  };

  std::string text = report.model;
  for (const ValueInfo& input : report.inputs) text += fmt::format(", {}: {}", input.name, to_string(input.type));
  text += fmt::format("\n{}, {}: predicted by a cost model, no NPU has run\n", report.soc, report.mode == CostMode::compiled ? "compiled, fp16" : "eager torch_npu");
  text += line("#", "module", "", head);
  double flops = 0, bytes = 0;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const CostRow& row = report.rows[i];
    text += line(std::to_string(i + 1), row.path, row.description, numbers(row.ms, total > 0 ? row.ms / total : 0, chip::name(row.bound), row.flops, row.bytes));
    flops += row.flops;
    bytes += row.bytes;
  }
  return text + line("", "", "total", numbers(total, total > 0 ? 1 : 0, "", flops, bytes));
}

}  // namespace ropeway
