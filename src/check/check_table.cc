#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "check/check.h"
#include "report/table.h"
#include "report/width.h"

namespace ropeway::check {
namespace {

// Operators of one kind that fare alike.
struct Group {
  OperatorCheck first;
  std::vector<std::string> origins;
  double ms = 0;
};

std::vector<Group> grouped(const CheckReport& report, bool all) {
  std::vector<Group> groups;
  std::map<std::tuple<std::string, Outcome, std::string, std::string>, size_t> known;
  for (const OperatorCheck& each : report.operators) {
    const auto [at, is_new] = known.emplace(std::tuple(each.kind, each.outcome, each.becomes, each.why), groups.size());
    if (is_new || all) {
      at->second = groups.size();
      groups.push_back({each, {}, 0});
    }
    Group& group = groups[at->second];
    group.origins.push_back(each.origin);
    group.ms += each.ms;
  }
  const auto urgency = [](const Group& group) { return group.first.outcome == Outcome::on_cpu ? 0 : group.first.outcome == Outcome::unknown ? 1 : 2; };
  std::ranges::stable_sort(groups, {}, urgency);
  return groups;
}

struct Columns {
  size_t outcome = 7, kind = 8, becomes = 10, where = 20;
};

Columns measured(const std::vector<Group>& groups) {
  Columns columns;
  for (const Group& group : groups) {
    columns.outcome = std::max(columns.outcome, display_width(name(group.first.outcome)));
    columns.kind = std::min<size_t>(24, std::max(columns.kind, display_width(group.first.kind)));
    columns.becomes = std::min<size_t>(32, std::max(columns.becomes, display_width(group.first.becomes) + 4));
  }
  const size_t taken = columns.outcome + columns.kind + columns.becomes + 5 + 9 + 8 + 10;
  columns.where = kTableWidth > taken + columns.where ? kTableWidth - taken : columns.where;
  return columns;
}

std::string line(const Columns& columns, const std::string& outcome, const std::string& count, const std::string& kind, const std::string& becomes, const std::string& where, const std::string& numbers) {
  return fmt::format("{}  {:>3}  {}  {}  {}  {}\n", left_aligned(outcome, columns.outcome), count, left_aligned(shortened(kind, columns.kind), columns.kind),
                     left_aligned(shortened(becomes, columns.becomes), columns.becomes), left_aligned(shortened(where, columns.where), columns.where), numbers);
}

// What a reader must know stands below its line, other remarks below the table, each once.
class Remarks {
 public:
  bool is_urgent(const Group& group) const { return group.first.outcome == Outcome::on_cpu || group.first.outcome == Outcome::unknown; }
  std::string below(const Group& group) const { return is_urgent(group) && !group.first.why.empty() ? fmt::format("    {}\n", group.first.why) : ""; }
  std::string mark(const Group& group) {
    if (is_urgent(group) || group.first.why.empty()) return "";
    const auto known = std::ranges::find(texts_, group.first.why);
    const auto number = known - texts_.begin();
    if (known == texts_.end()) texts_.push_back(group.first.why);
    return fmt::format(" [{}]", number + 1);
  }
  std::string legend() const {
    std::string text;
    for (size_t i = 0; i < texts_.size(); ++i) text += fmt::format("[{}] {}\n", i + 1, texts_[i]);
    return text;
  }

 private:
  std::vector<std::string> texts_;
};

std::string milliseconds(double ms, double total) { return fmt::format("{:>9.3f} {:>5.1f} %", ms, total > 0 ? 100 * ms / total : 0); }

std::string where(const Group& group) { return fmt::format("{}", fmt::join(group.origins, ", ")); }

std::string segments_text(const CheckReport& report) {
  std::vector<std::string> parts;
  for (const SegmentCheck& each : report.segments) parts.push_back(fmt::format("{} ({} operator{}, {:.3f} ms)", each.device, each.operators, each.operators == 1 ? "" : "s", each.ms));
  double bytes = 0;
  for (const TransferCheck& each : report.transfers) bytes += each.bytes;
  constexpr size_t kShown = 8;
  if (parts.size() > kShown) {
    parts.resize(kShown);
    parts.push_back(fmt::format("… ({} segments)", report.segments.size()));
  }
  return fmt::format("runs on  {}\ncopies   {} of {} between host and chip, {:.3f} ms\n", fmt::join(parts, " → "), report.transfers.size(), readable_bytes(bytes), report.transfer_ms());
}

}  // namespace

std::string to_table(const CheckReport& report, bool all) {
  std::string text = report.model;
  for (const ValueInfo& input : report.inputs) text += fmt::format(", {}: {}", input.name, to_string(input.type));
  text += fmt::format("\n{}, CANN {}, {}: predicted, no NPU has run\n\n", report.target.soc, chip::name(report.target.cann), chip::name(report.target.mode));
  const std::vector<Group> groups = grouped(report, all);
  const Columns columns = measured(groups);
  const double total = report.compute_ms() + report.transfer_ms();
  Remarks remarks;
  text += line(columns, "verdict", "n", "operator", "becomes", "where", fmt::format("{:>9} {:>7}", "ms", "share"));
  for (const Group& group : groups) {
    const std::string mark = remarks.mark(group);
    text += line(columns, name(group.first.outcome), std::to_string(group.origins.size()), group.first.kind, shortened(group.first.becomes, columns.becomes - mark.size()) + mark, where(group), milliseconds(group.ms, total));
    text += remarks.below(group);
  }
  text += remarks.legend() + "\n" + segments_text(report) + fmt::format("total    {:.3f} ms predicted\n", total);
  for (const std::string& note : report.notes) text += "note     " + note + "\n";
  for (const std::string& source : report.sources) text += "rests on " + source + "\n";
  return text;
}

}  // namespace ropeway::check
