#include "check/check.h"

#include <cmath>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "chip/soc.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/inputs.h"
#include "cli/options.h"

namespace ropeway::cli {
namespace {

struct CheckArguments {
  std::string model, cann = "8.1.RC1";
  std::vector<std::string> inputs;
  std::vector<double> range;
  bool all = false;
  check::CheckOptions check;
  std::optional<std::string> json;
};

check::CheckReport report_of(CheckArguments& options) {
  const std::vector<GivenInput> given = read_inputs(options.inputs);
  for (const GivenInput& input : given) {
    if (options.json) check_not_read(*options.json, input.file, "an input");
  }
  SessionOptions& session = options.check.session;
  BoundInputs bound;
  if (given.empty()) bound.graph = read_model(options.model, {session.batch, {}});
  else bound = bind_inputs(options.model, given);
  if (!given.empty()) session.samples = all_inputs(bound.graph, bound.values);
  print_substitutions(bound.graph, session, session.samples.empty() ? generated_inputs(describe(bound.graph, bound.graph.inputs)) : session.samples);
  check::CheckReport report = check::check_model(bound.graph, options.check);
  report.model = options.model;
  return report;
}

int run(CheckArguments& options) {
  if (options.json) {
    check_writable(*options.json);
    check_not_model(*options.json, options.model);
  }
  check_model(options.model);
  if (is_compiled_model(options.model)) fail(ErrorCode::unsupported, "{} is compiled already, its operators cannot be seen: give the model that it was made from", options.model);
  options.check.target.cann = *chip::cann_version_named(options.cann);
  if (!options.range.empty()) options.check.range = {options.range[0], options.range[1]};
  if (options.check.range && !(options.range[0] < options.range[1] && std::isfinite(options.range[1] - options.range[0]))) fail(ErrorCode::invalid_argument, "--range {:g},{:g} is empty, or beyond all bounds: the first must be less than the second", options.range[0], options.range[1]);
  try {
    const check::CheckReport report = report_of(options);
    fmt::print("{}", to_table(report, options.all));
    if (options.json) write_file(*options.json, to_json(report));
    return report.reservations().empty() ? kDone : kReservations;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unsupported && options.json) write_file(*options.json, check::impossible_json(options.model, error.what()));
    throw;
  }
}

void add_sample_options(CLI::App& command, CheckArguments& options) {
  CLI::Option* const input = command.add_option("--input", options.inputs, "An input by which precision is judged (repeatable); without NAME= the model's next one. Without any: those that the .pt2 was exported with, else generated ones")
                                 ->allow_extra_args(false)
                                 ->type_name("[NAME=]x.npy");
  command.add_option("--range", options.range, "Generate inputs between these instead")->delimiter(',')->expected(2)->allow_extra_args(false)->excludes(input)->type_name("LO,HI");
  add_batch_option(command, options.check.session)->excludes(input);
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  const auto options = std::make_shared<CheckArguments>();
  SessionOptions& session = options->check.session;
  std::vector<std::string> socs;
  for (const chip::Soc& soc : chip::socs()) socs.emplace_back(soc.name);
  CLI::App* const command = app.add_subcommand("check", "Say what will happen to every operator of a model on an NPU, which need not be here");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2 or .onnx file")->required()->type_name("");
  command->add_option("--soc", options->check.target.soc, "The chip")->check(CLI::IsMember(socs))->capture_default_str()->type_name("NAME");
  command->add_option("--cann", options->cann, "The version of CANN")->check(CLI::IsMember({"7.0.RC1", "8.1.RC1"}))->capture_default_str()->type_name("VERSION");
  command->add_flag("--all", options->all, "A line for each operator, and everything that was found");
  add_precision_options(*command, session);
  command->get_option("--tolerance")->remove_needs(command->get_option("--precision"));
  add_sample_options(*command, *options);
  add_substitute_option(*command, session);
  command->add_option("--disable-pass", session.disabled_passes, "Leave out a pass before compiling (repeatable)")->allow_extra_args(false)->type_name("NAME");
  command->add_option("--json", options->json, "Write a JSON object with the verdict of each operator")->type_name("FILE");
  command->footer("\nVerdicts: native; handled by fusion; rewritten (as the same function); on the CPU (a fallback); unknown; another function (--substitute).\n"
                  "The precision is judged on the CPU, with the chip's numerics: the model runs a few times, and more often to find what to keep in fp32.\n\n"
                  "Examples:\n"
                  "  ropeway check model.pt2                          on an Ascend310B1 with CANN 8.1.RC1\n"
                  "  ropeway check model.onnx --soc Ascend310B4 --cann 7.0.RC1 --all\n"
                  "  ropeway check model.pt2 --input x.npy --precision auto --json check.json\n\n"
                  "Exit status: 0 all native or rewritten, 2 it runs with a fallback, an operator that is not known, or a precision finding,\n"
                  "3 it cannot run, 4 invalid model file, 5 wrong arguments or inputs, 6 reading or writing failed, 8 out of memory, 9 internal error.");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace ropeway::cli
