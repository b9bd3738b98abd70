// What the virtual installation pretends to be.
#pragma once

#include <cstdint>
#include <string>

#include "chip/operators.h"
#include "chip/soc.h"

namespace ropeway::virtual_npu {

// Its CANN: ROPEWAY_VIRTUAL_CANN, else 8.1.RC1. Throws Error{invalid_argument} that lists the versions there are.
chip::CannVersion chosen_cann();

// The chip: ROPEWAY_VIRTUAL_SOC, else Ascend310B1. Throws Error{invalid_argument} that lists the chips there are.
const chip::Soc& chosen_soc();
// A chip by the name that atc takes. Throws as above.
const chip::Soc& soc_named(const std::string& name);

// Whether results in 16 bits that overflow saturate: ROPEWAY_VIRTUAL_OVERFLOW, "saturate" or "infinite", the default. Throws Error{invalid_argument}.
bool overflow_saturates();

// Bytes of device memory: ROPEWAY_VIRTUAL_MEMORY (in MB), else what the chip's board has. Throws Error{invalid_argument}.
uint64_t device_memory(const chip::Soc& soc);

}  // namespace ropeway::virtual_npu
