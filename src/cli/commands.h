// The commands of the `ropeway` program, one file each. Each function adds its command, which runs while the command line is parsed.
#pragma once

#include <CLI/CLI.hpp>

namespace ropeway::cli {

void add_run(CLI::App& app);
void add_bench(CLI::App& app);
void add_cost(CLI::App& app);
void add_check(CLI::App& app, int& status);  // `status`: the program's exit status, where nothing failed
void add_compile(CLI::App& app);
void add_inspect(CLI::App& app);
void add_devices(CLI::App& app);
void add_cache(CLI::App& app);
void add_doctor(CLI::App& app, int& status);
void add_compare(CLI::App& app, int& status);
void add_selftest(CLI::App& app, int& status);

}  // namespace ropeway::cli
