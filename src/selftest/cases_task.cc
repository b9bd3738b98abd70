// Cases of one operator, compiled together and run together.
#include <algorithm>
#include <set>

#include "ascend/compiler.h"
#include "base/text.h"
#include "chip/numerics.h"
#include "engine/devices.h"
#include "ops/operator.h"
#include "passes/lower.h"
#include "report/measure.h"
#include "selftest/cases.h"
#include "selftest/distance.h"
#include "selftest/expectations.h"
#include "selftest/tasks.h"

namespace ropeway::selftest {
namespace {

std::vector<Case> chosen_cases(const Task& task) {
  const auto op = op_named(task.subject);
  if (!op) fail(ErrorCode::invalid_argument, "there is no operator '{}'", task.subject);
  std::vector<Case> cases = cases_of(*op);
  std::erase_if(cases, [&](const Case& each) { return std::find(task.cases.begin(), task.cases.end(), each.graph.name) == task.cases.end(); });
  if (cases.size() != task.cases.size()) fail(ErrorCode::invalid_argument, "of the cases {} of {} there are only {}", fmt::join(task.cases, ", "), task.subject, cases.size());
  return cases;
}

Distance farthest(std::span<const Tensor> actual, const std::vector<Tensor>& expected) {
  Distance result;
  for (size_t i = 0; i < expected.size(); ++i) {
    const Distance each = distance(actual[i], expected[i], kTolerance);
    if (i == 0 || each.error > result.error) result = each;
  }
  return result;
}

// What the chip is predicted to give: rounded to 16 bits, saturated.
std::vector<Tensor> rounded_results(const Case& each) { return evaluate(chip::saturate(chip::apply_numerics(lower_to_onnx17(each.graph))), each.inputs); }

Json judge(const Case& each, std::span<const Tensor> outputs) {
  const Distance exact = farthest(outputs, evaluate(each.graph, each.inputs)), predicted = farthest(outputs, rounded_results(each));
  return {{"name", each.graph.name}, {"error", exact.error}, {"cosine", exact.cosine}, {"first_difference", exact.first}, {"error_to_rounded", predicted.error}};
}

}  // namespace

Json run_cases(const Task& task, const SessionOptions& options, Stage& stage) {
  const std::vector<Case> cases = chosen_cases(task);
  const Graph graph = merged(cases);
  const auto device = open_device(options);

  stage.name = "compile";
  const Stopwatch compiling;
  ascend::compile_om(ascend::make_atc_input(graph), graph.name, device->installation(), {device->soc(), options.compile_seconds, &stage.output});
  const double compile_ms = compiling.milliseconds();

  stage.name = "run";
  CompileOptions compile_options;
  compile_options.run_seconds = options.run_seconds;
  const auto executable = make_backend(options, "")->compile(graph, compile_options);  // from the cache
  std::vector<Tensor> inputs, outputs;
  for (const Case& each : cases) inputs.insert(inputs.end(), each.inputs.begin(), each.inputs.end());
  for (const ValueId id : graph.outputs) outputs.emplace_back(graph.type(id));
  executable->run(*executable->make_context(), inputs, outputs, nullptr);

  Json judged = Json::array();
  size_t at = 0;
  for (const Case& each : cases) {
    judged.push_back(judge(each, std::span(outputs).subspan(at, each.graph.outputs.size())));
    at += each.graph.outputs.size();
  }
  return {{"compile_ms", rounded(compile_ms)}, {"cases", std::move(judged)}};
}

}  // namespace ropeway::selftest
