#include <memory>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "engine/compile.h"
#include "engine/devices.h"
#include "formats/formats.h"

namespace ropeway::cli {
namespace {

struct CompileOptions {
  std::string model, output, soc;
  SessionOptions session;
  bool verbose = false;
};

void compile(const CompileOptions& options) {
  npu_installation(options.session.device);
  check_not_model(options.output, options.model);
  check_writable(options.output);
  if (is_compiled_model(options.model)) fail(ErrorCode::invalid_argument, "{} is compiled already", options.model);
  warn_of_slow_compiling(options.session.device, options.model);
  const Progress progress(options.verbose);
  progress.line("reading {}", options.model);
  Graph graph = read_model(options.model, {options.session.batch, {}});
  print_substitutions(graph, options.session, generated_inputs(describe(graph, graph.inputs)));
  progress.line("compiling for {}", options.session.device);
  std::vector<std::string> notes;
  const std::filesystem::path compiled = compile_for_npu(std::move(graph), options.soc, options.session, notes);
  print_notes(notes);
  const File file(compiled);
  const auto content = file.read(0, file.size());
  write_file(options.output, {content.get(), file.size()});
  fmt::print("{}: {}\n", options.output, readable_bytes(static_cast<double>(file.size())));
}

}  // namespace

void add_compile(CLI::App& app) {
  const auto options = std::make_shared<CompileOptions>();
  CLI::App* const command = app.add_subcommand("compile", "Compile a model for an NPU, which need not be here");
  command->add_option("MODEL", options->model, "A built-in model (alexnet, lenet, resnet34) or a .pt2 or .onnx file")->required()->type_name("");
  command->add_option("--device", options->session.device, "npu: by CANN's compiler, for real NPUs. virtual-npu: by Ropeway's virtual one")->required()->check(CLI::IsMember({"npu", "virtual-npu"}))->type_name("NAME");
  command->add_option("--soc", options->soc, "The chip, such as Ascend310B4; without: the one that is here")->type_name("NAME");
  command->add_option("-o,--output", options->output, "Write the compiled model to this file")->required()->type_name("FILE.om");
  add_batch_option(*command, options->session);
  command->add_option("--disable-pass", options->session.disabled_passes, "Leave out a pass (repeatable)")->allow_extra_args(false)->type_name("NAME");
  add_precision_options(*command, options->session);
  add_substitute_option(*command, options->session);
  add_compile_timeout_option(*command, options->session);
  command->add_flag("--verbose", options->verbose, "Say on standard error what is being done, even when nobody watches");
  command->footer(std::string("\nExamples:\n"
                              "  ropeway compile model.pt2 --device npu --soc Ascend310B4 -o model.om     on a PC with CANN's toolkit\n"
                              "  ropeway bench model.om                                                  on the board\n\n") +
                  kExitStatuses);
  command->callback([options] { compile(*options); });
}

}  // namespace ropeway::cli
