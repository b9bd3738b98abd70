// The `ropeway` program.
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "cli/commands.h"
#include "cli/exit_status.h"

int main(int argc, char** argv) {
  CLI::App app("Runs PyTorch models, from .pt2 and ONNX files, and times them module by module.", "ropeway");
  int status = ropeway::cli::kDone;
  try {
    app.set_version_flag("--version", "ropeway " ROPEWAY_VERSION);
    app.require_subcommand(1);
    app.get_formatter()->column_width(28);
    ropeway::cli::add_run(app);
    ropeway::cli::add_bench(app);
    ropeway::cli::add_check(app, status);
    ropeway::cli::add_cost(app);
    ropeway::cli::add_compare(app, status);
    ropeway::cli::add_compile(app);
    ropeway::cli::add_inspect(app);
    ropeway::cli::add_devices(app);
    ropeway::cli::add_cache(app);
    ropeway::cli::add_doctor(app, status);
    ropeway::cli::add_selftest(app, status);
    app.footer(std::string("\nExamples:\n"
                           "  ropeway bench alexnet lenet resnet34     the built-in models, module by module\n"
                           "  ropeway run model.pt2 --input x.npy --output y.npy\n"
                           "  ropeway bench --help                     the options of a command\n\n") +
               ropeway::cli::kExitStatuses);
    app.parse(argc, argv);
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
    return status;
  } catch (...) {
    return ropeway::cli::report(std::current_exception(), app);
  }
}
