#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "formats/npy.h"
#include "ops/convert.h"
#include "report/measure.h"
#include "report/steps.h"

namespace ropeway::cli {
namespace {

struct RunOptions {
  std::string model;
  std::vector<std::string> inputs;
  std::optional<std::string> output, output_dir;
  SessionOptions session;
  bool verbose = false;
};

// A model, and the tensors to run it on: those given, or generated ones where none is.
struct Prepared {
  std::shared_ptr<const Model> model;
  std::vector<Tensor> inputs;
};

void check_one_output(const RunOptions& options, const std::vector<ValueInfo>& outputs) {
  if (!options.output || outputs.size() == 1) return;
  std::vector<std::string> names;
  for (const ValueInfo& output : outputs) names.push_back(output.name);
  fail(ErrorCode::invalid_argument, "{} has {} outputs, {}: use --output-dir DIR to write each to a file of its own", options.model, outputs.size(), listed(names));
}

Prepared prepare(const RunOptions& options, const Progress& progress) {
  const std::vector<GivenInput> given = read_inputs(options.inputs);
  for (const GivenInput& input : given) {
    if (options.output) check_not_read(*options.output, input.file, "an input");
  }
  if (is_compiled_model(options.model)) {
    Prepared result{Model::load(options.model, options.session), {}};
    check_one_output(options, result.model->outputs());
    result.inputs = given.empty() ? generated_inputs(result.model->inputs()) : all_inputs(result.model->graph(), bind_inputs(result.model->graph(), given));
    return result;
  }
  BoundInputs bound;
  if (given.empty()) bound.graph = read_model(options.model, {options.session.batch, {}});
  else bound = bind_inputs(options.model, given);
  check_one_output(options, describe(bound.graph, bound.graph.outputs));
  std::vector<Tensor> inputs = given.empty() ? generated_inputs(describe(bound.graph, bound.graph.inputs)) : all_inputs(bound.graph, bound.values);
  print_substitutions(bound.graph, options.session, inputs);
  progress.line("compiling for {}", resolve_device(options.session.device, options.model));
  SessionOptions session = options.session;
  if (!given.empty()) session.samples = inputs;
  return {Model::compile(std::move(bound.graph), session), std::move(inputs)};
}

// What can be said of a tensor in a line: enough to see NaN, or a result that is constant.
std::string summary(const Tensor& tensor) {
  if (tensor.count() == 0) return "empty";
  const Tensor doubles = convert(tensor, DType::f64);
  const std::span<const double> values = doubles.data<double>();
  const auto not_finite = std::count_if(values.begin(), values.end(), [](double value) { return !std::isfinite(value); });
  if (not_finite > 0) return fmt::format("{} of {} elements are not finite", not_finite, values.size());
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return fmt::format("min {:.6g}, mean {:.6g}, max {:.6g}", *least, std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()), *most);
}

void check_targets(const RunOptions& options) {
  if (options.output) check_not_model(*options.output, options.model);
  if (options.output) check_writable(*options.output);
  if (options.output_dir) check_output_folder(*options.output_dir);
}

// What is worth a second of further runs: on the CPU alone, each step can be looked into.
void print_cpu_steps(const Model& model, std::span<const Tensor> inputs, const Progress& progress) {
  if (!uses_cpu(model)) return;
  progress.line("measuring");
  const Measurement measurement = measure(model, inputs, {});
  auto report = cpu_steps(model, measurement);
  if (!report) return;
  report->peak = cpu::measure_peak(report->threads);
  fmt::print("\n{}\n{}", to_table(*report, statistics(measurement.end_to_end_ms)), cpu_steps_legend());
}

void run(const RunOptions& options) {
  check_device(options.session, options.model);
  check_targets(options);
  warn_of_slow_compiling(options.session.device, options.model);
  const Progress progress(options.verbose);
  const Stopwatch loading;
  progress.line("reading {}", options.model);
  const auto [model, inputs] = prepare(options, progress);
  print_notes(*model);
  print_split(*model);
  std::vector<Tensor> results;
  for (const ValueInfo& output : model->outputs()) results.emplace_back(output.type);
  const auto context = model->make_context();
  model->run(*context, inputs, results, nullptr);
  progress.line("{:.0f} ms from the file to the results; {:.0f} MB of memory in use, at most {:.0f} MB", loading.milliseconds(), resident_mb(), peak_rss_mb());

  if (options.output) write_npy(*options.output, results[0]);
  if (options.output_dir) write_outputs(*options.output_dir, model->outputs(), results);
  if (options.inputs.empty() && !model->inputs().empty()) fmt::print("no --input is given: the inputs are generated, floating point in [-1, 1), integers 0\n");
  if (const DeviceInfo device = model->info(); device.predicted) fmt::print("the values are those of a {}, predicted\n", model->backend(0).info().title);
  for (size_t i = 0; i < results.size(); ++i) fmt::print("{}: {}, {}\n", model->outputs()[i].name, to_string(model->outputs()[i].type), summary(results[i]));
  if (options.verbose) print_cpu_steps(*model, inputs, progress);
}

}  // namespace

void add_run(CLI::App& app) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* const command = app.add_subcommand("run", "Run a model once, on inputs from .npy files");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2, .onnx or compiled .om file")->required()->type_name("");
  CLI::Option* const input = command->add_option("--input", options->inputs, "An input (repeatable); without NAME= the model's next one. Without any, inputs are generated")
      ->allow_extra_args(false)
      ->type_name("[NAME=]x.npy");
  CLI::Option* const output = command->add_option("--output", options->output, "Write the model's one output to this file")->type_name("y.npy");
  command->add_option("--output-dir", options->output_dir, "Write every output to NAME.npy in this folder")->type_name("DIR")->excludes(output);
  add_device_option(*command, options->session);
  add_fallback_option(*command, options->session);
  add_precision_options(*command, options->session);
  add_batch_option(*command, options->session)->excludes(input);
  add_engine_options(*command, options->session);
  add_seed_option(*command, options->session);
  add_substitute_option(*command, options->session);
  command->add_flag("--verbose", options->verbose, "Every step of the CPU: its kernel, why others declined, and how near it comes to what the machine can do, by further runs; and on standard error what is being done");
  command->footer(std::string("\nExamples:\n"
                              "  ropeway run model.pt2 --input x.npy --output y.npy\n"
                              "  ropeway run model.onnx --input tokens=t.npy --input mask=m.npy --output-dir results\n"
                              "  ropeway run alexnet --batch 4                on generated inputs\n\n") +
                  kExitStatuses);
  command->callback([options] { run(*options); });
}

}  // namespace ropeway::cli
