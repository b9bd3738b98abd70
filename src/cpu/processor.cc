#include "cpu/processor.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/text.h"

namespace ropeway::cpu {
namespace {

struct Core {
  long implementer, part;
  const char* name;
};
// Those of boards and servers that NPUs are found in, from Arm's manuals and Linux's lists.
constexpr Core kCores[] = {
    {0x41, 0xd03, "Cortex-A53"},  {0x41, 0xd05, "Cortex-A55"},  {0x41, 0xd08, "Cortex-A72"},  {0x41, 0xd0b, "Cortex-A76"},   {0x41, 0xd0c, "Neoverse N1"},
    {0x41, 0xd41, "Cortex-A78"},  {0x41, 0xd42, "Cortex-A78AE"}, {0x41, 0xd40, "Neoverse V1"}, {0x41, 0xd49, "Neoverse N2"}, {0x48, 0xd01, "TaiShan V110"},
};

std::string core_name(long implementer, long part) {
  const auto* known = std::ranges::find_if(kCores, [&](const Core& core) { return core.implementer == implementer && core.part == part; });
  if (known != std::end(kCores)) return known->name;
  return fmt::format("{} core 0x{:03x}", implementer == 0x41 ? "Arm" : implementer == 0x48 ? "HiSilicon" : fmt::format("AArch64 (implementer 0x{:02x})", implementer), part);
}

}  // namespace

std::string processor_name(std::istream& cpuinfo) {
  std::vector<std::string> cores;
  long implementer = 0;
  for (std::string line; std::getline(cpuinfo, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 >= line.size()) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("model name")) return value;
    if (line.starts_with("CPU implementer")) implementer = std::strtol(value.c_str(), nullptr, 0);
    if (!line.starts_with("CPU part")) continue;
    const std::string name = core_name(implementer, std::strtol(value.c_str(), nullptr, 0));
    if (std::ranges::find(cores, name) == cores.end()) cores.push_back(name);
  }
  if (!cores.empty()) return fmt::format("{}", fmt::join(cores, " and "));
#if defined(__aarch64__)
  return "AArch64 processor";
#else
  return "x86-64 processor";
#endif
}

}  // namespace ropeway::cpu
