// What the virtual installation pretends to be, as the environment says. Everything here throws Error{invalid_argument} that says what would be right.
#pragma once

#include <cstdint>
#include <string>

#include "chip/soc.h"

namespace ropeway::virtual_npu {

inline constexpr const char* kCannVersion = "8.1.RC1";

// The chip: ROPEWAY_VIRTUAL_SOC, else Ascend310B1.
const chip::Soc& chosen_soc();
// A chip by the name that atc takes.
const chip::Soc& soc_named(const std::string& name);

// Bytes of device memory: ROPEWAY_VIRTUAL_MEMORY (in MB), else what the chip's board has.
uint64_t device_memory(const chip::Soc& soc);

// Where the program runs: on a host with the NPU as a card (EP), or on the board itself (RC), where host and device share one memory.
enum class Mode { card, board };
// ROPEWAY_VIRTUAL_MODE, EP or RC; else EP.
Mode chosen_mode();

}  // namespace ropeway::virtual_npu
