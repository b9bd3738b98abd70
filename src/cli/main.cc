// The `ropeway` program.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <new>

#include "engine/model.h"

namespace {

int exit_status(ropeway::ErrorCode code) {
  using enum ropeway::ErrorCode;
  switch (code) {
    case unsupported: return 3;
    case invalid_model: return 4;
    case invalid_argument: return 5;
    case not_found:
    case io: return 6;
    case device: return 7;
    case out_of_memory: return 8;
    case internal: return 9;
  }
  return 9;
}

void print_devices() {
  for (const ropeway::DeviceRow& row : ropeway::devices()) {
    const auto backend = row.make({});
    const ropeway::DeviceInfo info = backend->info();
    fmt::print("{}  {}\n     {}, {} threads, {}\n", row.name, row.description, info.description, info.threads, info.precision);
    for (const auto& [key, value] : info.details) fmt::print("     {}: {}\n", key, value);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs PyTorch models on Ascend 310B NPUs and on the CPU.", "ropeway");
  app.set_version_flag("--version", ROPEWAY_VERSION);
  app.require_subcommand(1);
  app.add_subcommand("devices", "List the devices that models can run on")->callback(print_devices);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 5;
  } catch (const ropeway::Error& error) {
    fmt::print(stderr, "ropeway: {}\n", error.what());
    return exit_status(error.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "ropeway: out of memory\n");
    return 8;
  } catch (const std::exception& error) {
    fmt::print(stderr, "ropeway: internal error: {}\n", error.what());
    return 9;
  }
}
