#include "chip/soc.h"

#include <algorithm>

namespace ropeway::chip {
namespace {

// Sources. [ini]: platform_config/Ascend310B{1,4}.ini of CANN 8.1.RC1, the compiler's own description of the chip.
// [fitted]: bench/calibrate.py, to what others measured on a 310B1 with compiled fp16 models of batch 1: VGG16 13.69 ms, ViT-B/16 19.31 ms, Swin-T 12.25 ms.
// [assumed]: a guess that nothing here can check.
//
// cube_mhz, cube_macs_per_cycle (16·16·16), vector_bytes_per_cycle  [ini]
// cube_efficiency        [assumed] 0.8: loading and storing of tiles is hidden, but not wholly. Settled with the fit in sight: 0.6 to 1 fit the three models 13 to 9 %
//                        off at worst, and the worst one left out 51 to 33 %.
// function_instructions  [assumed] 10, the length of a polynomial with its range reduction. The ini knows instructions for exp and log, but not how long they take;
//                        erf, tanh, sin are made of several.
// dram_gb_per_s          310B1 [fitted]; the ini's own estimate for the compiler is 17 B/cycle, 20.8 GB/s. 310B4 [assumed]: 78 % of the 25.6 GB/s that
//                        LPDDR4X-3200 ×64 of the Atlas 200I DK A2 promises (its product page).
// launch_us              310B1 [fitted]; 310B4 [assumed] the same: its task scheduler has a clock of its own.
// copy_gb_per_s, copy_us [assumed] PCIe 3.0 ×4 at some 80 %, and a driver call.
// memory_bytes           12 GB and 4 GB: the Orange Pi AIpro of 20 TOPS and the Atlas 200I DK A2, their product pages; there are boards with more (the ini
//                        allows the 310B1 32 GiB).
// filter_plane_cycles    [fitted to the article] bench/calibrate.py, to its 31 rows of eager execution: 36 ns on a 310B1. 310B4 [assumed] the same number of cycles.
//
// With these, the three models are predicted 4 to 11 % off. Fitted to any two of them, the third is off by 15 to 39 % (bench/calibrate.py prints it all): that is
// what to expect of a model that is not among them. That results of less than 2 MB stay in the second-level cache ([ini]: 4 MiB, 128 to 256 B/cycle) was tried and
// left out: the fit gets worse (7 to 20 % off), and what it predicts for the third model much worse (26 to 78 %).
constexpr Soc kSocs[] = {
    {"Ascend310B1", 1224, 4096, 0.8, 128, 10, 26.4, 6.5, 3.2, 15.0, 12'000'000'000, 44},
    {"Ascend310B4", 500, 4096, 0.8, 128, 10, 20.0, 6.5, 3.2, 15.0, 4'000'000'000, 44},
};

}  // namespace

std::span<const Soc> socs() { return kSocs; }

const Soc* find_soc(std::string_view name) {
  const auto found = std::find_if(std::begin(kSocs), std::end(kSocs), [&](const Soc& soc) { return name == soc.name; });
  return found == std::end(kSocs) ? nullptr : found;
}

}  // namespace ropeway::chip
