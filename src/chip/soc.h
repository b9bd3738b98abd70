// The chips of the 310B family, as numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ropeway {

// Sources: [ini] the platform file that CANN 8.1.RC1 has for the chip; [fitted] to measurements of others, see bench/calibrate.py; [assumed] nothing better is known.
struct Soc {
  const char* name;
  double mhz;                    // of the AI core, cube and vector unit alike [ini]
  double cube_macs_per_cycle;    // fp16 multiplications and additions: 16 × 16 × 16 [ini]
  double vector_bytes_per_cycle; // [ini]
  double l2_bytes;               // what an operator leaves, the next finds there if it fits [ini]
  double dram_gb_per_s;          // effective, reading and writing together [fitted]
  double launch_us;              // from the end of an operator to the start of the next [fitted]
  int64_t memory_bytes;          // of the board [the boards' data sheets]

  double cube_flops() const { return 2e6 * mhz * cube_macs_per_cycle; }       // per second
  double vector_bytes() const { return 1e6 * mhz * vector_bytes_per_cycle; }  // per second
};

std::span<const Soc> socs();
// nullptr when there is none of that name.
const Soc* find_soc(std::string_view name);

}  // namespace ropeway
