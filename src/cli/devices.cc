#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cpu/peak.h"
#include "engine/devices.h"

namespace ropeway::cli {
namespace {

cpu::Peak print_peak(int threads) {
  const cpu::Peak peak = cpu::measure_peak(threads);
  fmt::print("  peak on {} thread{}: {:.1f} GFLOP/s in fp32, {:.1f} GB/s from memory\n", threads, threads == 1 ? "" : "s", peak.gflops, peak.gb_per_s);
  return peak;
}

void print_peaks(int threads) {
  const cpu::Peak one = print_peak(1);
  if (threads > 1 && print_peak(threads).gflops < one.gflops) fmt::print("  together they did less than one alone: something else runs on this machine, measure again\n");
}

void print_devices(bool measure) {
  for (const DeviceRow& row : devices()) {
    if (const std::string why = why_unusable(row); !why.empty()) {
      fmt::print("{}: not here ({})\n  {}\n", row.name, row.description, why);
      continue;
    }
    const DeviceInfo info = row.make({})->info();
    fmt::print("{}: {}\n  {}\n  {}{}{}\n", row.name, row.description, info.description, info.precision, info.times_steps ? fmt::format(", {} thread{}", info.threads, info.threads == 1 ? "" : "s") : "",
               info.predicted ? "; times are predicted" : "");
    for (const auto& [key, value] : info.details) fmt::print("  {}: {}\n", key, value);
    if (!measure || info.name != "cpu") continue;
    print_peaks(info.threads);
  }
}

}  // namespace

void add_devices(CLI::App& app) {
  const auto measure = std::make_shared<bool>(false);
  CLI::App* const command = app.add_subcommand("devices", "List the devices that models can run on");
  command->add_flag("--measure", *measure, "Measure what this machine's processor can do at best, on one thread and on all: in about 2 s, while nothing else should run");
  command->footer(std::string("\nExamples:\n"
                              "  ropeway devices\n"
                              "  ropeway devices --measure                    the peaks that bench --verbose compares with\n\n") +
                  kExitStatuses);
  command->callback([measure] { print_devices(*measure); });
}

}  // namespace ropeway::cli
