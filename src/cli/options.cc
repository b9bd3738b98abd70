#include "cli/options.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/env.h"
#include "base/text.h"
#include "engine/model.h"
#include "engine/placing.h"
#include "engine/substitution.h"

namespace ropeway::cli {
namespace {

const std::map<std::string, RowGrouping> kGroupings = {{"auto", RowGrouping::automatic}, {"module", RowGrouping::module}, {"layer", RowGrouping::layer}, {"op", RowGrouping::op}};

}  // namespace

CLI::Validator between(double least, double most) {
  return CLI::Validator(
      [least, most](std::string& text) {
        double value = 0;
        const bool is_number = CLI::detail::lexical_cast(text, value);
        return is_number && value >= least && value <= most ? std::string() : fmt::format("{} is no number from {:g} to {:g}", text, least, most);
      },
      "");
}

void add_engine_options(CLI::App& command, SessionOptions& options) {
  command.add_option("--threads", options.threads, "Threads of the CPU; without: every processor that this process may use")->check(CLI::Range(1, 1024))->type_name("N");
  command.add_option("--disable-pass", options.disabled_passes, "Leave out a pass (repeatable; `ropeway inspect MODEL --stage passes` lists them)")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_option("--kernel", options.force_kernel, "Of the CPU: use this kernel wherever it can serve (`ropeway inspect MODEL --stage plan` names them)")->type_name("NAME");
  command.add_option("--weight-growth", options.weight_growth, "Weights that the CPU transforms for faster algorithms may make all of a model's together so many times as large, 1 to 1000; 1: none is transformed")
      ->check(between(1, 1000))
      ->capture_default_str()
      ->type_name("X");
  add_compile_timeout_option(command, options);
  add_run_timeout_option(command, options);
}

void add_fallback_option(CLI::App& command, SessionOptions& options) {
  command.add_flag("!--no-fallback", options.fallback, "An operator that an NPU cannot compute is an error that names it; without, the CPU computes it");
}

void add_device_option(CLI::App& command, SessionOptions& options) {
  command.add_option("--device", options.device, "Where to run; `ropeway devices` lists them; auto: npu if there is one, else cpu. Without: cpu, or what a compiled model is for")->type_name("NAME");
}

CLI::Option* add_precision_option(CLI::App& command, SessionOptions& options) {
  return command.add_option("--precision", options.precision, "Of an NPU. fp16: its default; auto: fp16, but for the operators that need fp32, found by running the model on sample inputs; allow_fp32_to_fp16, must_keep_origin_dtype, force_fp32: as atc's --precision_mode. Of the CPU, where no NPU is asked for beside it. fp32: its default; fp16: weights are stored in 16 bits, arithmetic is fp32")
      ->type_name("NAME");
}

void add_precision_options(CLI::App& command, SessionOptions& options) {
  CLI::Option* const precision = add_precision_option(command, options);
  command.add_option("--tolerance", options.tolerance, "Largest error that --precision auto accepts, relative to a result's largest value")->needs(precision)->check(between(1e-9, 1.0))->capture_default_str()->type_name("T");
}

void add_compile_timeout_option(CLI::App& command, SessionOptions& options) {
  command.add_option("--compile-timeout", options.compile_seconds, "Seconds after which an NPU's compiler is stopped")->check(CLI::Range(0.001, 1e6))->capture_default_str()->type_name("S");
}

void add_run_timeout_option(CLI::App& command, SessionOptions& options) {
  command.add_option("--run-timeout", options.run_seconds, "Seconds after which a run on an NPU that does not answer is given up")->check(CLI::Range(0.001, 1e6))->capture_default_str()->type_name("S");
}

void add_seed_option(CLI::App& command, SessionOptions& options) {
  command.add_option("--seed", options.seed, "Of the masks that dropout in training mode draws, for each run its own")
      ->check([](const std::string& text) { return !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789") == std::string::npos ? std::string() : text + " is no whole number from 0 to 9999999999999999999"; })
      ->capture_default_str()
      ->type_name("N");
}

void add_substitute_option(CLI::App& command, SessionOptions& options) {
  command.add_option("--substitute", options.substitutions, "Another function in the place of the model's own: maxpool=avgpool makes average pools of all max pools. How far the outputs then are from the model's is measured and printed")
      ->allow_extra_args(false)
      ->type_name("NAME");
}

CLI::Option* add_batch_option(CLI::App& command, SessionOptions& options) {
  return command.add_option("--batch", options.batch, "Size of the first dimension of every input, where the model leaves it open")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 31))
      ->type_name("N");
}

RowGrouping RowOptions::grouping() const { return kGroupings.at(by); }

void add_row_options(CLI::App& command, RowOptions& options) {
  command.add_option("--by", options.by, fmt::format("What makes a row. layer: an operator with weights and what follows it; module: a module of the Python code; op: a step; auto: layer where that gives at most {} rows, else module", kReadableRows))
      ->check(CLI::IsMember(kGroupings))
      ->capture_default_str()
      ->type_name("GROUPING");
  command.add_option("--depth", options.depth, fmt::format("Parts of the module path that make a row, from 1; without: as many as give at most {} rows", kReadableRows))->check(CLI::Range(1, 1000))->type_name("N");
}

void check_device(const SessionOptions& options, const std::string& model) {
  make_backend(options, model);
  if (options.device != "auto" || resolve_device(options.device, model) != "cpu") return;
  if (const auto why = why_auto_is_cpu()) fmt::print(stderr, "note: --device auto is the CPU, because the NPU cannot be used: {}\n", *why);
}

void warn_of_slow_compiling(const std::string& device, const std::string& model) {
  static bool warned = false;
  const std::string why = cann::why_compiling_is_slow();
  if (warned || why.empty() || environment("MAX_COMPILE_CORE_NUMBER") || is_compiled_model(model) || resolve_device(device, model) != "npu" || !npu_installation("npu").atc) return;
  warned = true;
  fmt::print(stderr, "note: unless it is compiled already: {}: {}\n", why, cann::kCompileElsewhere);
}

void print_notes(std::span<const std::string> notes) {
  for (const std::string& note : notes) fmt::print(stderr, "note: {}\n", note);
}

void print_notes(const Model& model) { print_notes(model.notes()); }

void print_split(const Model& model) {
  if (model.backends().size() > 1) fmt::print("{}\n", describe_split(model.plan(), model.graph()));
}

void print_substitutions(const Graph& graph, const SessionOptions& options, std::span<const Tensor> inputs) {
  for (const std::string& note : substitution_notes(graph, options, inputs)) fmt::print(stderr, "note: {}\n", note);
}

void check_writable(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail(ErrorCode::io, "cannot write {}: it is a folder", path.string());
  if (std::filesystem::exists(path, ignored)) {
    if (access(path.c_str(), W_OK) != 0) fail(ErrorCode::io, "cannot write {}: {}", path.string(), std::strerror(errno));
    return;
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, ignored)) fail(ErrorCode::io, "cannot write {}: there is no folder {}", path.string(), folder.string());
  if (access(folder.c_str(), W_OK) != 0) fail(ErrorCode::io, "cannot write {}: {}", path.string(), std::strerror(errno));
}

void check_not_model(const std::filesystem::path& path, const std::string& model) { check_not_read(path, model, "the model"); }

void check_not_read(const std::filesystem::path& path, const std::string& file, const char* what) {
  std::error_code ignored;
  if (std::filesystem::equivalent(path, file, ignored)) fail(ErrorCode::invalid_argument, "{} is {} itself: writing there would destroy it", path.string(), what);
}

Progress::Progress(bool verbose) : shown_(verbose || isatty(STDERR_FILENO) != 0) {}

}  // namespace ropeway::cli
