// Compiling for an NPU ahead of time; the NPU need not be here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ropeway/session.h"

namespace ropeway {

// The compiled model's file, in the cache, for options.device, which is npu or virtual-npu. `soc`: a chip such as "Ascend310B4"; "": the one that is here.
// A model in float64 is compiled in float32, its inputs and outputs too; int64 likewise becomes int32 where the chip asks for it. `notes` receives what the user should
// be told, sentence by sentence.
// Throws Error{unsupported} that names every operator that the chip cannot compute, or that draws random numbers; Error{invalid_argument, device, io} as compile_om and
// the passes do.
std::filesystem::path compile_for_npu(Graph graph, const std::string& soc, const SessionOptions& options, std::vector<std::string>& notes);

}  // namespace ropeway
