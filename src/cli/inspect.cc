#include <algorithm>
#include <map>
#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "engine/model.h"
#include "ir/text.h"
#include "passes/pipeline.h"
#include "report/steps.h"

namespace ropeway::cli {
namespace {

struct InspectOptions {
  std::string model;
  std::string stage = "graph";
  SessionOptions session;
};

std::vector<std::string> node_lines(const Graph& graph) {
  std::vector<std::string> lines;
  for (const Node& node : graph.nodes) lines.push_back(to_text(graph, node));
  std::sort(lines.begin(), lines.end());
  return lines;
}

// Lines of `a`, sorted, that are not in `b`, sorted.
size_t missing(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest.size();
}

// What each pass did, as comments of the text form, so that the whole can be parsed again.
void print_passes(const InspectOptions& options) {
  Graph graph = read_model(options.model, {options.session.batch, options.session.input_shapes});
  std::set<std::string> disabled = options.session.disabled_passes;
  disabled.erase("fuse");  // the CPU's own, not of the pipeline
  std::vector<std::string> before = node_lines(graph);
  fmt::print("# as read: {} nodes\n", before.size());
  graph = run_passes(std::move(graph), pipeline(), disabled, [&](const Pass& pass, const Graph& result) {
    std::vector<std::string> after = node_lines(result);
    fmt::print("# {}{}: {} nodes; {} gone, {} new\n", pass.name, pass.required ? " (required)" : "", after.size(), missing(before, after), missing(after, before));
    before = std::move(after);
  });
  for (const std::string& name : disabled) fmt::print("# {}: switched off\n", name);
  fmt::print("{}", to_text(graph));
}

void print_plan(const InspectOptions& options) {
  const auto model = Model::load(options.model, options.session);
  fmt::print("{}", to_string(model->plan(), model->graph()));
  const std::vector<StepReport> steps = describe_steps(*model);
  for (size_t s = 0, first = 0; s < model->executables().size(); ++s) {
    const Executable& executable = *model->executables()[s];
    const MemoryUse memory = executable.memory();
    const size_t count = executable.steps().size();
    fmt::print("segment {}: {} steps; weights {}, arena {} per caller\n", s, count, readable_bytes(static_cast<double>(memory.weights)), readable_bytes(static_cast<double>(memory.context)));
    fmt::print("{}", to_plan_lines(std::span(steps).subspan(first, count)));
    first += count;
  }
}

// A compiled model shows what it takes and gives; its inside is the compiler's.
void print_compiled(const InspectOptions& options) {
  const auto model = Model::load(options.model, options.session);
  fmt::print("{}: compiled, runs on {}\n", options.model, model->backend(0).info().title);
  for (const ValueInfo& input : model->inputs()) fmt::print("  takes {}: {}\n", input.name, to_string(input.type));
  for (const ValueInfo& output : model->outputs()) fmt::print("  gives {}: {}\n", output.name, to_string(output.type));
}

void inspect(const InspectOptions& options) {
  check_device(options.session, options.model);
  if (is_compiled_model(options.model)) {
    print_compiled(options);
    return;
  }
  if (options.stage == "graph") fmt::print("{}", to_text(read_model(options.model, {options.session.batch, options.session.input_shapes})));
  if (options.stage == "passes") print_passes(options);
  if (options.stage == "plan") print_plan(options);
}

}  // namespace

void add_inspect(CLI::App& app) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* const command = app.add_subcommand("inspect", "Print a model at a stage on its way to a device");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2 or .onnx file")->required()->type_name("");
  command->add_option("--stage", options->stage, "graph: as read; passes: after them, and what each changed; plan: what runs where, with which kernels and how much memory")
      ->check(CLI::IsMember({"graph", "passes", "plan"}))
      ->capture_default_str()
      ->type_name("STAGE");
  add_device_option(*command, options->session);
  add_fallback_option(*command, options->session);
  add_precision_option(*command, options->session);
  add_batch_option(*command, options->session);
  add_engine_options(*command, options->session);
  command->footer(std::string("\nExamples:\n"
                              "  ropeway inspect model.pt2                    every operator, with types and module paths\n"
                              "  ropeway inspect model.onnx --stage passes    what passes make of it\n"
                              "  ropeway inspect resnet34 --stage plan        the kernel of every step, and the arena\n\n") +
                  kExitStatuses);
  command->callback([options] { inspect(*options); });
}

}  // namespace ropeway::cli
