#include "base/text.h"
#include "cli/commands.h"
#include "engine/model.h"

namespace ropeway::cli {
namespace {

void print_devices() {
  for (const DeviceRow& row : devices()) {
    const DeviceInfo info = row.make({})->info();
    fmt::print("{}: {}\n  {}\n  {}, {} thread{}{}\n", row.name, row.description, info.description, info.precision, info.threads, info.threads == 1 ? "" : "s",
               info.predicted ? "; times are predicted" : "");
    for (const auto& [key, value] : info.details) fmt::print("  {}: {}\n", key, value);
  }
}

}  // namespace

void add_devices(CLI::App& app) {
  app.add_subcommand("devices", "List the devices that models can run on")->footer("\nExample:\n  ropeway devices")->callback(print_devices);
}

}  // namespace ropeway::cli
