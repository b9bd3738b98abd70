#include <memory>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "engine/model.h"
#include "report/cost.h"

namespace ropeway::cli {
namespace {

const std::map<std::string, CostMode> kModes = {{"compiled", CostMode::compiled}, {"eager", CostMode::eager}};

struct CostArguments {
  std::string model, soc = "Ascend310B1", mode = "compiled";
  RowOptions rows;
  SessionOptions session;
  std::optional<std::string> json;
};

void cost(const CostArguments& options) {
  if (options.json) {
    check_writable(*options.json);
    check_not_model(*options.json, options.model);
  }
  check_model(options.model);
  if (is_compiled_model(options.model)) fail(ErrorCode::unsupported, "{} is compiled already, its operators cannot be seen: give the model that it was made from", options.model);
  const CostMode mode = kModes.at(options.mode);
  if (mode == CostMode::eager && !options.session.disabled_passes.empty()) fail(ErrorCode::invalid_argument, "--disable-pass: no passes go before eager execution");
  CostReport report = predict_cost(read_model(options.model, {options.session.batch, options.session.input_shapes}), *chip::find_soc(options.soc),
                                   {mode, options.rows.grouping(), options.rows.depth, options.session.disabled_passes});
  report.model = options.model;
  print_notes(report.notes);
  fmt::print("{}", to_table(report));
  if (mode == CostMode::eager) {
    fmt::print("\nBound: what most of the time is spent on: the cube unit, the vector unit, memory, launches, laying out filters.\n"
               "Eager execution casts and lays out every operand at each call, the filters of convolutions channel by channel.\n"
               "PyTorch's own time on the host is not in it, which counts where launches are the bound.\n");
  } else {
    fmt::print("\nBound: what most of the time is spent on: the cube unit, the vector unit, memory, launches.\n");
  }
  fmt::print("Copies between host and device are not in it. How far off to expect this: docs/cost-model.md.\n");
  if (options.json) write_file(*options.json, to_json(report));
}

}  // namespace

void add_cost(CLI::App& app) {
  const auto options = std::make_shared<CostArguments>();
  std::vector<std::string> socs;
  for (const chip::Soc& soc : chip::socs()) socs.emplace_back(soc.name);
  CLI::App* const command = app.add_subcommand("cost", "Predict what a model takes on an NPU, which need not be here");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2 or .onnx file")->required()->type_name("");
  command->add_option("--soc", options->soc, "The chip")->check(CLI::IsMember(socs))->capture_default_str()->type_name("NAME");
  command->add_option("--mode", options->mode, "compiled: as a whole, as --device npu runs it; eager: by PyTorch through torch_npu, an operator at a time")
      ->check(CLI::IsMember(kModes))
      ->capture_default_str()
      ->type_name("MODE");
  add_row_options(*command, options->rows);
  add_batch_option(*command, options->session);
  command->add_option("--disable-pass", options->session.disabled_passes, "Leave out a pass before compiling (repeatable)")->allow_extra_args(false)->type_name("NAME");
  command->add_option("--json", options->json, "Write a JSON object with total_ms and the rows")->type_name("FILE");
  command->footer(std::string("\nExamples:\n"
                              "  ropeway cost resnet34                            compiled, on an Ascend310B1\n"
                              "  ropeway cost resnet34 --mode eager               what PyTorch through torch_npu would take\n"
                              "  ropeway cost model.onnx --soc Ascend310B4 --by op --json cost.json\n\n") +
                  kExitStatuses);
  command->callback([options] { cost(*options); });
}

}  // namespace ropeway::cli
