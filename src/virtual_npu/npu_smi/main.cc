// npu-smi of the virtual installation: the table of `npu-smi info`, in which programs and scripts look up the chip's name (row 7, third word).
#include <cstdio>
#include <exception>
#include <string>

#include "base/text.h"
#include "virtual_npu/settings.h"

namespace {

constexpr char kUsage[] =
    "npu-smi info: shows the virtual NPU, as ROPEWAY_VIRTUAL_SOC and ROPEWAY_VIRTUAL_MEMORY choose it.\n"
    "Not the vendor's npu-smi: no NPU is here, and nothing else can be asked or set.\n";

std::string line(char fill) { return fmt::format("+{}+{}+{}+\n", std::string(27, fill), std::string(15, fill), std::string(52, fill)); }

std::string row(const std::string& chip, const std::string& health, const std::string& rest) { return fmt::format("| {:<26}| {:<14}| {:<51}|\n", chip, health, rest); }

std::string info() {
  const ropeway::chip::Soc& soc = ropeway::virtual_npu::chosen_soc();
  const uint64_t megabytes = ropeway::virtual_npu::device_memory(soc) / 1000000;
  std::string name = soc.name;  // "Ascend310B1" is shown as "310B1"
  if (name.starts_with("Ascend")) name.erase(0, 6);
  const std::string wide = fmt::format("+{}+\n", std::string(96, '-'));
  return wide + fmt::format("| {:<95}|\n", "npu-smi of Ropeway's virtual CANN: a virtual NPU, no NPU is here") + line('-') +
         row("NPU   Name", "Health", "Power(W)    Temp(C)           Hugepages-Usage(page)") + row("Chip  Device", "Bus-Id", "AICore(%)   Memory-Usage(MB)") + line('=') +
         row(fmt::format("0     {}", name), "OK", "NA          NA                NA") + row("0     0", "virtual", fmt::format("0           0    / {}", megabytes)) + line('=');
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc < 2 ? "-h" : argv[1];
  try {
    if (argc == 2 && command == "info") std::fputs(info().c_str(), stdout);
    else if (argc <= 2 && (command == "-h" || command == "--help")) std::fputs(kUsage, stdout);
    else {
      std::fputs(fmt::format("npu-smi: the virtual NPU has no '{}'\n{}", fmt::join(argv + 1, argv + argc, " "), kUsage).c_str(), stderr);
      return 1;
    }
  } catch (const std::exception& error) {
    std::fputs(fmt::format("npu-smi: {}\n", error.what()).c_str(), stderr);
    return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
