#include "base/text.h"
#include "cli/commands.h"
#include "engine/devices.h"

namespace ropeway::cli {
namespace {

void print_devices() {
  for (const DeviceRow& row : devices()) {
    if (const std::string why = why_unusable(row); !why.empty()) {
      fmt::print("{}: not here ({})\n  {}\n", row.name, row.description, why);
      continue;
    }
    const DeviceInfo info = row.make({})->info();
    fmt::print("{}: {}\n  {}\n  {}{}{}\n", row.name, row.description, info.description, info.precision, info.times_steps ? fmt::format(", {} thread{}", info.threads, info.threads == 1 ? "" : "s") : "",
               info.predicted ? "; times are predicted" : "");
    for (const auto& [key, value] : info.details) fmt::print("  {}: {}\n", key, value);
  }
}

}  // namespace

void add_devices(CLI::App& app) {
  app.add_subcommand("devices", "List the devices that models can run on")->footer("\nExample:\n  ropeway devices")->callback(print_devices);
}

}  // namespace ropeway::cli
