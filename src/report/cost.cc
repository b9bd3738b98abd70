#include "report/cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "ascend/verdict.h"
#include "base/text.h"
#include "chip/eager_cost.h"
#include "engine/prepare.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

void check_supported(const Graph& graph, const std::string& soc) {
  std::vector<std::string> reasons;
  for (const Node& node : graph.nodes) {
    const std::string why_not = ascend::why_not_on_chip(graph, node, soc);
    if (!why_not.empty()) reasons.push_back(fmt::format("{} at {}: {}", name(node.op), to_string(node.origin), why_not));
  }
  if (!reasons.empty()) fail(ErrorCode::unsupported, "{} cannot compute {} of {} operators; `ropeway check` predicts the model with these on the CPU:\n  {}", soc, reasons.size(), graph.nodes.size(), fmt::join(reasons, "\n  "));
}

std::set<std::string> all_passes_but(const std::string& kept) {
  std::set<std::string> names;
  for (const Pass& pass : pipeline()) {
    if (!pass.required) names.insert(pass.name);
  }
  names.erase(kept);
  return names;
}

CostRow cost_of(const Row& row, const std::vector<chip::OperatorCost>& costs) {
  CostRow result{row.path, row.description, 0, chip::Bound::launch, row.steps.size(), row.flops, row.bytes};
  std::array<double, chip::kBounds> by_bound{};
  for (const int step : row.steps) {
    const chip::OperatorCost& cost = costs[static_cast<size_t>(step)];
    result.ms += cost.ms;
    by_bound[static_cast<size_t>(cost.bound)] += cost.ms;
  }
  result.bound = static_cast<chip::Bound>(std::max_element(by_bound.begin(), by_bound.end()) - by_bound.begin());
  return result;
}

}  // namespace

const char* name(CostMode mode) { return mode == CostMode::compiled ? "compiled" : "eager"; }

double CostReport::total_ms() const {
  return std::accumulate(rows.begin(), rows.end(), 0.0, [](double sum, const CostRow& row) { return sum + row.ms; });
}

CostReport predict_cost(const Graph& as_read, const chip::Soc& soc, const CostOptions& options) {
  const bool eager = options.mode == CostMode::eager;
  SessionOptions session;
  // Eager execution knows no passes; but what is constant, a weight that the file transposes say, is no operator of its own there either.
  session.disabled_passes = eager ? all_passes_but("fold_constants") : options.disabled_passes;
  const Chip chip{soc.name, [&](const Graph& each) { return ascend::supports(each, {soc.name}); }};
  const PreparedModel model = prepare(as_read, session, &chip);
  const Graph& graph = model.graph;
  check_supported(graph, soc.name);
  const std::vector<chip::OperatorCost> costs = eager ? chip::eager_cost(graph, soc) : chip::compiled_cost(graph, soc);
  std::vector<ModelStep> steps;
  for (const chip::OperatorCost& cost : costs) steps.push_back({cost.nodes, -1, "", "", cost.flops, cost.bytes});
  CostReport report{graph.name, soc.name, options.mode, model.inputs, {}, model.notes};
  for (const Row& row : make_rows(graph, steps, options.grouping, options.depth, Labels(as_read))) report.rows.push_back(cost_of(row, costs));
  return report;
}

std::string to_json(const CostReport& report) {
  using Json = nlohmann::ordered_json;
  const auto rounded = [](double value) { return std::round(value * 1e6) / 1e6; };
  Json inputs = Json::object(), rows = Json::array();
  for (const ValueInfo& input : report.inputs) inputs[input.name] = to_string(input.type);
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const CostRow& row = report.rows[i];
    rows.push_back({{"index", i + 1}, {"path", row.path}, {"description", row.description}, {"ms", rounded(row.ms)}, {"bound", chip::name(row.bound)},
                    {"operators", row.operators}, {"gflop", rounded(row.flops / 1e9)}, {"mb", rounded(row.bytes / 1e6)}});
  }
  const Json json = {{"schema", 1}, {"model", report.model}, {"soc", report.soc}, {"mode", name(report.mode)}, {"predicted", true},
                     {"inputs", std::move(inputs)}, {"total_ms", rounded(report.total_ms())}, {"rows", std::move(rows)}};
  // Names come from files: bytes that are no UTF-8 become U+FFFD.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ropeway
