// The chips of the Ascend 310B family, as numbers. Where each number comes from stands in soc.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ropeway::chip {

// One AI Core (cube and vector unit on one clock) over one DRAM. GB are 10^9 bytes, MHz 10^6 per second.
struct Soc {
  const char* name;              // as CANN has it: "Ascend310B1"
  double cube_mhz;               // clock of cube and vector unit
  int cube_macs_per_cycle;       // multiply-accumulates of 16-bit floats
  double cube_efficiency;        // part of the cube's cycles that a compiled operator uses, padding to 16 not counted
  int vector_bytes_per_cycle;    // operand bytes of one vector instruction
  int function_instructions;     // vector instructions of one elementary function (exp, log, tanh, erf, sigmoid …)
  double dram_gb_per_s;          // what a compiled model reaches, not what the parts promise
  double launch_us;              // per operator of a compiled model, whatever it does
  double copy_gb_per_s;          // between host and device, as a card
  double copy_us;                // per copy
  int64_t memory_bytes;          // DRAM
  double filter_plane_cycles;    // of eager execution, for the taps that one output channel has for one input channel, when the weights are laid out

  double cube_flops() const { return 2e6 * cube_mhz * cube_macs_per_cycle; }                // at its peak, per second
  double vector_bytes_per_s() const { return 1e6 * cube_mhz * vector_bytes_per_cycle; }
};

// The chips about which enough is known. Of 310B2, which CANN describes as it does 310B1, and of 310B3 neither board nor measurement is published.
std::span<const Soc> socs();
// By CANN's name; nullptr for a chip that is not listed.
const Soc* find_soc(std::string_view name);

}  // namespace ropeway::chip
