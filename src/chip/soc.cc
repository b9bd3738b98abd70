#include "chip/soc.h"

namespace ropeway {
namespace {

constexpr double kCube = 16 * 16 * 16;
constexpr double kL2 = 4 << 20;

// DRAM of the 310B4: the platform files give 17 B a cycle for the 310B1 (20.8 GB/s) and 8 B for the 310B4 (4 GB/s); its effective rate is taken to be as far from that
// as the 310B1's [assumed]. Its launch cost is taken to grow with the cycle [assumed].
constexpr Soc kSocs[] = {
    {"Ascend310B1", 1224, kCube, 128, kL2, 25.0, 24.2, 12'000'000'000},
    {"Ascend310B4", 500, kCube, 128, kL2, 4.8, 59.2, 4'000'000'000},
};

}  // namespace

std::span<const Soc> socs() { return kSocs; }

const Soc* find_soc(std::string_view name) {
  for (const Soc& soc : kSocs) {
    if (name == soc.name) return &soc;
  }
  return nullptr;
}

}  // namespace ropeway
