#include <algorithm>
#include <cmath>
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

// What a reader must know.
bool is_urgent(Outcome outcome) { return outcome == Outcome::on_cpu || outcome == Outcome::unknown || outcome == Outcome::substituted; }

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
  const auto urgency = [](const Group& group) { return !is_urgent(group.first.outcome); };
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
  static std::string below(const Group& group) { return is_urgent(group.first.outcome) && !group.first.why.empty() ? fmt::format("    {}\n", group.first.why) : ""; }
  std::string mark(const Group& group) {
    if (is_urgent(group.first.outcome) || group.first.why.empty()) return "";
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

constexpr size_t kShown = 8;  // of a list, unless all are asked for

// Under a label, the first few of what there are, and how many more.
std::string listing(const std::string& label, const std::vector<std::string>& lines, bool all) {
  std::string text;
  const size_t shown = all ? lines.size() : std::min(lines.size(), kShown);
  for (size_t i = 0; i < shown; ++i) text += fmt::format("{:<10}{}\n", i == 0 ? label : "", lines[i]);
  if (shown < lines.size()) text += fmt::format("{:<10}… and {} more: --all\n", "", lines.size() - shown);
  return text;
}

std::string copies(const char* direction, const std::vector<CopyCheck>& values) {
  std::vector<std::string> words;
  for (const CopyCheck& each : values) words.push_back(fmt::format("{} ({}, {:.3f} ms)", each.value, readable_bytes(each.bytes), each.ms));
  constexpr size_t kValues = 3;
  const size_t more = words.size() > kValues ? words.size() - kValues : 0;
  words.resize(words.size() - more);
  return words.empty() ? "" : fmt::format("; {} {}{}", direction, fmt::join(words, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

std::string segments_text(const CheckReport& report, bool all) {
  std::vector<std::string> lines;
  for (const SegmentCheck& each : report.segments) {
    lines.push_back(fmt::format("{}: {} operator{}, {:.3f} ms{}{}", each.device, each.operators, each.operators == 1 ? "" : "s", each.ms, copies("reads", each.reads), copies("leaves", each.leaves)));
  }
  return listing("segments", lines, all) + fmt::format("{:<10}{:.3f} ms predicted, {:.3f} ms of it copies\n", "total", report.compute_ms() + report.copies_ms(), report.copies_ms());
}

std::vector<std::string> lines_of(const std::vector<OperatorFinding>& findings) {
  std::vector<std::string> lines;
  for (const OperatorFinding& each : findings) lines.push_back(fmt::format("{} at {}: {}", each.kind, each.origin, each.text));
  return lines;
}

// Without a finding, what is lost on the way is counted, no more.
std::string precision_text(const CheckReport& report, bool all) {
  const PrecisionCheck& accuracy = report.accuracy;
  const std::string error = std::isfinite(accuracy.error) ? fmt::format("off by {:.2g} of its largest value", accuracy.error) : "infinite or NaN in other places than in fp32";
  std::string text = fmt::format("{:<10}the result is {}, {} the tolerance of {:g} (judged by {})\n", "precision", error, accuracy.is_finding() ? "over" : "within", accuracy.tolerance, accuracy.samples);
  if (accuracy.is_finding() || all) {
    text += listing("", lines_of(accuracy.operators), all) + listing("weights", accuracy.weights, all);
  } else if (!accuracy.operators.empty() || !accuracy.weights.empty()) {
    std::vector<std::string> parts;
    if (!accuracy.operators.empty()) parts.push_back(fmt::format("the results of {} operator{}", accuracy.operators.size(), accuracy.operators.size() == 1 ? "" : "s"));
    if (!accuracy.weights.empty()) parts.push_back(fmt::format("{} weight{}", accuracy.weights.size(), accuracy.weights.size() == 1 ? "" : "s"));
    text += fmt::format("{:<10}16 bits do not hold some elements of {}: --all lists them\n", "", listed(parts));
  }
  if (accuracy.applied) text += listing("in fp32", lines_of(accuracy.keep), all);
  if (!accuracy.is_finding()) return text;
  if (!accuracy.error_kept) return text;
  if (accuracy.keep.empty()) return text + fmt::format("{:<10}no choice of operators in fp32 brings it within: with all that the chip has in fp32 it is {:.2g}\n", "remedy", *accuracy.error_kept);
  return text + fmt::format("{:<10}--precision auto keeps {} operator{} in fp32, which brings it to {:.2g}:\n", "remedy", accuracy.keep.size(), accuracy.keep.size() == 1 ? "" : "s", *accuracy.error_kept) + listing("", lines_of(accuracy.keep), all);
}

std::string conclusion(const CheckReport& report) {
  const std::vector<std::string> reservations = report.reservations();
  return reservations.empty() ? "runs as it is" : "runs, with " + listed(reservations);
}

}  // namespace

std::string to_table(const CheckReport& report, bool all) {
  std::string text = report.model;
  for (const ValueInfo& input : report.inputs) text += fmt::format(", {}: {}", input.name, to_string(input.type));
  text += fmt::format("\n{}, CANN {}, {}: {}. Predicted, no NPU has run\n\n", report.target.soc, chip::name(report.target.cann), report.precision, conclusion(report));
  const std::vector<Group> groups = grouped(report, all);
  const Columns columns = measured(groups);
  const double total = report.compute_ms() + report.copies_ms();
  Remarks remarks;
  text += line(columns, "verdict", "n", "operator", "becomes", "where", fmt::format("{:>9} {:>7}", "ms", "share"));
  for (const Group& group : groups) {
    const std::string mark = remarks.mark(group);
    text += line(columns, name(group.first.outcome), std::to_string(group.origins.size()), group.first.kind, shortened(group.first.becomes, columns.becomes - mark.size()) + mark, where(group), milliseconds(group.ms, total));
    text += remarks.below(group);
  }
  text += remarks.legend() + "\n" + segments_text(report, all) + precision_text(report, all);
  return text + listing("notes", report.notes, true) + listing("rests on", report.sources, true);
}

}  // namespace ropeway::check
