#include <algorithm>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "check/compare.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "formats/npz.h"

namespace ropeway::cli {
namespace {

struct CompareArguments {
  std::string model, reference = "cpu";
  std::vector<std::string> inputs;
  std::optional<std::string> json;
  CompareOptions compare;
  bool verbose = false;
};

void check(const CompareArguments& options) {
  check_model(options.model);
  if (is_compiled_model(options.model)) fail(ErrorCode::unsupported, "{} is compiled already, its operators cannot be seen: give the model that it was made from", options.model);
  check_device(options.compare.session, options.model);
  if (!options.json) return;
  check_writable(*options.json);
  check_not_model(*options.json, options.model);
}

// Inputs that the reference file holds under the names of the model's: what its values were computed from.
std::vector<GivenInput> inputs_of(const Npz& npz, const std::string& model, const std::optional<int64_t>& batch) {
  const Graph graph = read_model(model, {batch, {}});
  std::vector<GivenInput> result;
  for (const ValueId id : graph.inputs) {
    const std::string& name = graph.value(id).name;
    if (std::find(npz.names().begin(), npz.names().end(), name) != npz.names().end()) result.push_back({name, npz.path().string(), npz.read(name)});
  }
  return result;
}

int compare(CompareArguments& options) {
  check(options);
  SessionOptions& session = options.compare.session;
  session.tolerance = options.compare.tolerance.value_or(kTolerance16);
  std::optional<Npz> npz;
  if (options.reference != "cpu") npz.emplace(options.reference);
  std::vector<GivenInput> given = read_inputs(options.inputs);
  for (const GivenInput& input : given) {
    if (options.json) check_not_read(*options.json, input.file, "an input");
  }
  if (options.json && npz) check_not_read(*options.json, options.reference, "the reference");
  if (given.empty() && npz) given = inputs_of(*npz, options.model, session.batch);
  BoundInputs bound;
  if (given.empty()) bound.graph = read_model(options.model, {session.batch, {}});
  else bound = bind_inputs(options.model, given);
  const Graph& graph = bound.graph;
  const std::vector<Tensor> inputs = given.empty() ? generated_inputs(describe(graph, graph.inputs)) : all_inputs(graph, bound.values);
  std::optional<NamedValues> named;
  if (npz) named = match_names(graph, *npz);

  print_substitutions(graph, session, inputs);
  warn_of_slow_compiling(session.device, options.model);
  options.compare.say = [](const std::string& sentence) { fmt::print(stderr, "note: {}\n", sentence); };
  const Progress progress(options.verbose);
  progress.line("comparing {} on {} with {}", options.model, resolve_device(session.device, options.model), options.reference);
  Comparison comparison = ropeway::compare(graph, inputs, options.compare, named ? &*named : nullptr);
  comparison.model = options.model;
  if (given.empty() && !inputs.empty()) {
    fmt::print("no --input is given: the inputs are generated, floating point in [-1, 1), integers 0{}\n", npz ? "; the reference must have been computed on the same" : "");
  } else if (options.inputs.empty() && npz && !inputs.empty()) {
    fmt::print("no --input is given: the inputs are those in {}\n", options.reference);
  }
  fmt::print("{}", to_table(comparison, options.compare.layers));
  if (options.json) write_file(*options.json, to_json(comparison));
  return comparison.over() ? kFindings : kDone;
}

}  // namespace

void add_compare(CLI::App& app, int& status) {
  const auto options = std::make_shared<CompareArguments>();
  CLI::App* const command = app.add_subcommand("compare", "Compare a device's values with a reference's: which operator goes wrong first");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2 or .onnx file")->required()->type_name("");
  add_device_option(*command, options->compare.session);
  command->get_option("--device")->required();
  command->add_option("--reference", options->reference, "cpu: the CPU in fp32, each operator by itself; or arrays by name, as numpy.savez writes them: of outputs, values, nodes or modules, and of inputs")
      ->capture_default_str()
      ->type_name("cpu|FILE.npz");
  command->add_flag("--layers", options->compare.layers, "Compare every operator and show all, even when the outputs are within tolerance; without: only when they are not");
  command->add_option("--tolerance", options->compare.tolerance, fmt::format("Largest error that is well, relative to the largest value of the reference's tensor; without: {:g} in fp16, be it weights alone, {:g} in fp32. --precision auto keeps to it", kTolerance16, kTolerance32))
      ->check(between(0, 1e6))
      ->type_name("T");
  CLI::Option* const input = command->add_option("--input", options->inputs, "An input (repeatable); without NAME= the model's next one. Without any: those in the reference file, else generated ones")
      ->allow_extra_args(false)
      ->type_name("[NAME=]x.npy");
  add_batch_option(*command, options->compare.session)->excludes(input);
  add_fallback_option(*command, options->compare.session);
  add_precision_option(*command, options->compare.session);
  add_engine_options(*command, options->compare.session);
  add_seed_option(*command, options->compare.session);
  add_substitute_option(*command, options->compare.session);
  command->add_option("--json", options->json, "Write a JSON object with all rows")->type_name("FILE");
  command->add_flag("--verbose", options->verbose, "Say on standard error what is being done, even when nobody watches");
  command->footer("\nOperators' values are taken out by compiling the model once more with them as outputs: minutes of atc on a board.\n"
                  "Each stays on the device that has it without; cpu marks those that the CPU computes on the device's side, too.\n"
                  "The reference is the model as it is: --precision and --substitute are the device's alone, --seed is both sides'.\n"
                  "--kernel is the device's alone; the reference does without fused kernels.\n\n"
                  "A reference from PyTorch; x is what the model calls its input; .clone(), for a later module may write in place:\n"
                  "  values = {}\n"
                  "  for name, module in model.named_modules():\n"
                  "      module.register_forward_hook(lambda m, i, out, name=name: isinstance(out, torch.Tensor) and values.update({name: out.detach().clone().numpy()}) or None)\n"
                  "  values[\"output\"] = model(x).detach().numpy()\n"
                  "  numpy.savez(\"out.npz\", x=x.numpy(), **{name: value for name, value in values.items() if name})\n\n"
                  "Examples:\n"
                  "  ropeway compare model.pt2 --device virtual-npu --input x.npy\n"
                  "  ropeway compare model.onnx --device npu --layers --json layers.json\n"
                  "  ropeway compare model.pt2 --device cpu --reference out.npz\n\n"
                  "Exit status: 0 within tolerance, 1 over, 3 model not supported, 4 invalid model file or archive, 5 wrong arguments or inputs,\n"
                  "6 reading or writing failed, 7 device failed, 8 out of memory, 9 internal error.");
  command->callback([options, &status] { status = compare(*options); });
}

}  // namespace ropeway::cli
