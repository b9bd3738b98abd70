// What the commands share: options, declared once, and where output goes.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <utility>

#include "engine/model.h"
#include "report/rows.h"
#include "ropeway/session.h"

namespace ropeway::cli {

// --threads, --disable-pass, --kernel, --compile-timeout and --run-timeout.
void add_engine_options(CLI::App& command, SessionOptions& options);
// --no-fallback.
void add_fallback_option(CLI::App& command, SessionOptions& options);
// --device, for a command that uses one.
void add_device_option(CLI::App& command, SessionOptions& options);
// --precision; and with --tolerance, for a command that has no tolerance of its own.
CLI::Option* add_precision_option(CLI::App& command, SessionOptions& options);
void add_precision_options(CLI::App& command, SessionOptions& options);
// For numbers: within these bounds, which NaN is not.
CLI::Validator between(double least, double most);
void add_compile_timeout_option(CLI::App& command, SessionOptions& options);
void add_run_timeout_option(CLI::App& command, SessionOptions& options);
// --seed, for a command that runs models.
void add_seed_option(CLI::App& command, SessionOptions& options);
void add_substitute_option(CLI::App& command, SessionOptions& options);
CLI::Option* add_batch_option(CLI::App& command, SessionOptions& options);

// --by and --depth.
struct RowOptions {
  std::string by = "auto";
  int depth = 0;
  RowGrouping grouping() const;
};
void add_row_options(CLI::App& command, RowOptions& options);

// Throws Error{invalid_argument} that lists the devices there are, Error{device} when this machine does not have the one that `options` means for `model`: so
// that this is known before the work.
void check_device(const SessionOptions& options, const std::string& model);

// Says on standard error, once, that compiling `model` on this machine may take hours and how to avoid it; nothing where it does not, where nothing is to be compiled by
// CANN's atc, or where the user has set MAX_COMPILE_CORE_NUMBER and so knows.
void warn_of_slow_compiling(const std::string& device, const std::string& model);

// Notes, or those of a model, each on a line of standard error.
void print_notes(std::span<const std::string> notes);
void print_notes(const Model& model);
// How a model is split between an NPU and the CPU, on a line of standard output; nothing for the CPU alone, and for a compiled model.
void print_split(const Model& model);

// What options.substitutions do to the outputs of `graph`, each on a line of standard error: measured on the CPU.
void print_substitutions(const Graph& graph, const SessionOptions& options, std::span<const Tensor> inputs);

// Throws Error{io} when a file at `path` could certainly not be written: so that this is known before the work, not after it.
void check_writable(const std::filesystem::path& path);

// Throws Error{invalid_argument} when what is to be written is the file that the model is read from, or another that is read (`what` names it: "the reference").
void check_not_model(const std::filesystem::path& path, const std::string& model);
void check_not_read(const std::filesystem::path& path, const std::string& file, const char* what);

// Lines about the work under way: on standard error, when somebody watches it or asked for it.
class Progress {
 public:
  explicit Progress(bool verbose);

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) const {
    if (shown_) fmt::print(stderr, "{}\n", fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  bool shown_;
};

}  // namespace ropeway::cli
