#include <memory>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "check/check.h"
#include "chip/soc.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options.h"

namespace ropeway::cli {
namespace {

struct Options {
  std::string model, soc = "Ascend310B1", cann = "8.1.RC1";
  bool all = false;
  SessionOptions session;
  std::optional<std::string> json;
};

int check_model_for(const Options& options) {
  if (options.json) {
    check_writable(*options.json);
    check_not_model(*options.json, options.model);
  }
  check_model(options.model);
  if (is_compiled_model(options.model)) fail(ErrorCode::unsupported, "{} is compiled already, its operators cannot be seen: give the model that it was made from", options.model);
  const ascend::Target target{options.soc, *chip::cann_version_named(options.cann), chip::PrecisionMode::force_fp16};
  check::CheckReport report = check::check_operators(read_model(options.model, {options.session.batch, {}}), target, options.session);
  report.model = options.model;
  fmt::print("{}", to_table(report, options.all));
  if (options.json) write_file(*options.json, to_json(report));
  return report.needs_fallback() || report.has_unknown() ? kReservations : kDone;
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  std::vector<std::string> socs;
  for (const chip::Soc& soc : chip::socs()) socs.emplace_back(soc.name);
  CLI::App* const command = app.add_subcommand("check", "Say what will happen to every operator of a model on an NPU, which need not be here");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2 or .onnx file")->required()->type_name("");
  command->add_option("--soc", options->soc, "The chip")->check(CLI::IsMember(socs))->capture_default_str()->type_name("NAME");
  command->add_option("--cann", options->cann, "The version of CANN")->check(CLI::IsMember({"7.0.RC1", "8.1.RC1"}))->capture_default_str()->type_name("VERSION");
  command->add_flag("--all", options->all, "A line for each operator");
  add_batch_option(*command, options->session);
  command->add_option("--disable-pass", options->session.disabled_passes, "Leave out a pass before compiling (repeatable)")->allow_extra_args(false)->type_name("NAME");
  command->add_option("--json", options->json, "Write a JSON object with the verdict of each operator")->type_name("FILE");
  command->footer("\nVerdicts: native; handled by fusion; rewritten (as the same function); on the CPU (a fallback); unknown.\n\n"
                  "Examples:\n"
                  "  ropeway check model.pt2                          on an Ascend310B1 with CANN 8.1.RC1\n"
                  "  ropeway check model.onnx --soc Ascend310B4 --cann 7.0.RC1 --all\n"
                  "  ropeway check model.pt2 --json check.json\n\n"
                  "Exit status: 0 all native or rewritten, 2 it runs with a fallback, an operator that is not known, or a finding,\n"
                  "3 it cannot run, 4 invalid model file, 5 wrong arguments, 6 reading or writing failed, 9 internal error.");
  command->callback([options, &status] { status = check_model_for(*options); });
}

}  // namespace ropeway::cli
