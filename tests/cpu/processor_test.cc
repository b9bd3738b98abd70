#include "cpu/processor.h"

#include <gtest/gtest.h>

#include <sstream>

namespace ropeway::test {
namespace {

std::string name_of(const std::string& cpuinfo) {
  std::istringstream stream(cpuinfo);
  return cpu::processor_name(stream);
}

TEST(Processor, IsCalledByItsModel) { EXPECT_EQ(name_of("processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t:\n"), "AMD EPYC"); }

TEST(Processor, OfArmIsCalledByItsCores) {
  const auto core = [](const std::string& implementer, const std::string& part) { return "processor\t: 0\nCPU implementer\t: " + implementer + "\nCPU part\t: " + part + "\nCPU revision\t: 0\n\n"; };
  EXPECT_EQ(name_of(core("0x41", "0xd05") + core("0x41", "0xd05")), "Cortex-A55");
  EXPECT_EQ(name_of(core("0x41", "0xd05") + core("0x41", "0xd0b")), "Cortex-A55 and Cortex-A76");
  EXPECT_EQ(name_of(core("0x48", "0xd02")), "HiSilicon core 0xd02");
  EXPECT_EQ(name_of(core("0x61", "0x022")), "AArch64 (implementer 0x61) core 0x022");
}

TEST(Processor, ThatSaysNothingIsCalledByItsArchitecture) { EXPECT_TRUE(name_of("CPU part").ends_with(" processor")); }

}  // namespace
}  // namespace ropeway::test
