// A built-in model on the device: its outputs beside the CPU's, its times beside those that are predicted.
//   {"model", "compile_ms", "output": {"error", "cosine", "first_difference"},
//    "predicted": {"sum_of_rows_ms", "end_to_end_ms"}, "device": {"compute_ms", "with_copies_ms", "end_to_end_ms", "sum_of_rows_ms"},
//    "rows": [{"index", "path", "description", "predicted_ms", "device_ms"}], "operators": [{"type", "nodes", "ms"}], "rows_failed"}
// compute_ms and with_copies_ms are by the device's clock, end_to_end_ms by the host's (where times are predicted: by the device's); all have "min" and "median".
// device_ms is null where the device does not time its operators; rows_failed says why, when that is a failure.
#include <numeric>

#include "ascend/compiler.h"
#include "base/text.h"
#include "chip/cost_model.h"
#include "engine/model.h"
#include "passes/pipeline.h"
#include "report/measure.h"
#include "report/report.h"
#include "selftest/distance.h"
#include "selftest/expectations.h"
#include "selftest/tasks.h"

namespace ropeway::selftest {
namespace {

constexpr int kClockedRuns = 10;

std::vector<Tensor> run_once(const Model& model, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> outputs;
  for (const ValueInfo& output : model.outputs()) outputs.emplace_back(output.type);
  model.run(*model.make_context(), inputs, outputs, nullptr);
  return outputs;
}

Json compare(const Model& model, const std::vector<Tensor>& inputs, const std::string& name) {
  const Tensor expected = run_once(*Model::compile(read_model(name, {}), {.device = "cpu"}), inputs)[0];
  const Distance found = distance(run_once(model, inputs)[0], expected, kTolerance);
  return {{"error", found.error}, {"cosine", found.cosine}, {"first_difference", found.first}};
}

// What is predicted, in rows, and which node is in which of them.
struct Prediction {
  std::vector<Row> rows;
  std::vector<double> row_ms;
  std::vector<int> row_of;  // by node
  double copies_ms = 0;
};

Prediction predict(const std::string& name, const ascend::Device& device) {
  const Graph as_read = read_model(name, {});
  const Graph graph = run_passes(as_read, pipeline(), {});
  const chip::Soc& soc = soc_of(device);
  const std::vector<chip::OperatorCost> costs = chip::compiled_cost(graph, soc);
  std::vector<ModelStep> steps;
  for (const chip::OperatorCost& cost : costs) steps.push_back({cost.nodes, -1, "", "", cost.flops, cost.bytes});
  Prediction result;
  result.rows = make_rows(graph, steps, RowGrouping::automatic, 0, Labels(as_read));
  result.row_of = rows_by_node(graph.nodes.size(), steps, result.rows);
  for (const Row& row : result.rows) {
    result.row_ms.push_back(std::accumulate(row.steps.begin(), row.steps.end(), 0.0, [&](double sum, int step) { return sum + costs[static_cast<size_t>(step)].ms; }));
  }
  const bool board = is_board(device).value_or(false);
  for (const auto* side : {&graph.inputs, &graph.outputs}) {
    for (const ValueId id : *side) {
      const double bytes = static_cast<double>(element_count(graph.type(id).shape)) * static_cast<double>(size_of(graph.type(id).dtype));
      result.copies_ms += board ? chip::memory_copy_ms(bytes, soc) : chip::copy_ms(bytes, soc);
    }
  }
  return result;
}

// The model in one piece, without its profiler.
Json clocked(const Model& model, const std::vector<Tensor>& inputs) {
  const Measurement measurement = measure(model, inputs, {});
  std::vector<double> compute, with_copies;
  for (const auto& steps : measurement.step_ms) compute.push_back(std::accumulate(steps.begin(), steps.end(), 0.0));
  std::vector<Tensor> outputs;
  for (const ValueInfo& output : model.outputs()) outputs.emplace_back(output.type);
  const auto context = model.make_context();
  std::vector<Trace> traces;
  for (int i = 0; i < (model.backend(0).info().predicted ? 1 : kClockedRuns); ++i) {
    model.run(*context, inputs, outputs, &traces);
    with_copies.push_back(std::accumulate(traces.begin(), traces.end(), 0.0, [](double sum, const Trace& trace) { return sum + trace.device_ms; }));
  }
  return {{"compute_ms", to_json(statistics(compute))}, {"with_copies_ms", to_json(statistics(with_copies))}, {"end_to_end_ms", to_json(statistics(measurement.end_to_end_ms))}};
}

Json operators_of(const Model& model, std::span<const ModelStep> steps, const Measurement& measurement) {
  Json result = Json::array();
  for (size_t s = 0; s < steps.size(); ++s) {
    Json nodes = Json::array();
    for (const int node : steps[s].nodes) nodes.push_back(to_string(model.graph().nodes[static_cast<size_t>(node)].origin));
    std::vector<double> times;
    for (const auto& step_ms : measurement.step_ms) times.push_back(step_ms[s]);
    result.push_back({{"type", steps[s].kernel}, {"nodes", std::move(nodes)}, {"ms", to_json(statistics(std::move(times)))}});
  }
  return result;
}

// By the device's profiler, in the rows of the prediction.
void add_rows(Json& result, const std::string& name, const SessionOptions& options, const Prediction& prediction, const std::vector<Tensor>& inputs) {
  SessionOptions timed = options;
  timed.time_steps = true;
  timed.fallback = false;
  const auto model = Model::compile(read_model(name, {}), timed);
  if (const std::string why = model->why_not_timed(); !why.empty()) fail(ErrorCode::device, "{}", why);
  const std::vector<ModelStep> steps = steps_of(*model);
  const Measurement measurement = measure(*model, inputs, {});
  std::vector<Row> rows = prediction.rows;
  assign_steps(rows, prediction.row_of, steps);
  const DeviceReport report = make_device_report(model->backend(0).info(), rows, measurement);
  for (size_t r = 0; r < rows.size(); ++r) {
    if (!report.rows[r].fused) result["rows"][r]["device_ms"] = {{"min", rounded(report.rows[r].min_ms)}, {"median", rounded(report.rows[r].median_ms)}};
  }
  result["device"]["sum_of_rows_ms"] = {{"min", rounded(report.sum_of_min_ms())}, {"median", rounded(report.sum_of_median_ms())}};
  result["operators"] = operators_of(*model, steps, measurement);
}

}  // namespace

Json run_model(const Task& task, const SessionOptions& options, Stage& stage) {
  const auto device = open_device(options);
  const Prediction prediction = predict(task.subject, *device);
  stage.name = "compile";
  const Stopwatch compiling;
  ascend::compile_om(ascend::make_atc_input(run_passes(read_model(task.subject, {}), pipeline(), {})), task.subject, device->installation(), {device->soc(), options.compile_seconds, &stage.output});
  Json result = {{"model", task.subject}, {"compile_ms", rounded(compiling.milliseconds())}};

  stage.name = "run";
  std::vector<Tensor> inputs;
  {
    SessionOptions on_device = options;
    on_device.fallback = false;
    const auto model = Model::compile(read_model(task.subject, {}), on_device);  // from the cache
    inputs = generated_inputs(model->inputs());
    result["output"] = compare(*model, inputs, task.subject);
    const double sum = std::accumulate(prediction.row_ms.begin(), prediction.row_ms.end(), 0.0);
    result["predicted"] = {{"sum_of_rows_ms", rounded(sum)}, {"end_to_end_ms", rounded(sum + prediction.copies_ms)}};
    result["device"] = clocked(*model, inputs);
  }
  result["rows"] = Json::array();
  for (size_t r = 0; r < prediction.rows.size(); ++r) {
    result["rows"].push_back({{"index", r + 1}, {"path", prediction.rows[r].path}, {"description", prediction.rows[r].description}, {"predicted_ms", rounded(prediction.row_ms[r])}, {"device_ms", nullptr}});
  }
  if (!ascend::Subscription::is_available(device->functions())) return result;
  try {
    add_rows(result, task.subject, options, prediction, inputs);
  } catch (const Error& error) {  // the profiler's: outputs and times of the whole are there
    result["rows_failed"] = error.what();
  }
  return result;
}

}  // namespace ropeway::selftest
