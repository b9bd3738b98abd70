// Whether CANN's parser and the chip's engines have the operators of an ONNX file, before anything is rewritten.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chip/operators.h"
#include "formats/onnx/proto.h"
#include "ir/graph.h"

namespace ropeway::virtual_npu {

inline constexpr std::string_view kOwnLimit = "this is a limit of Ropeway's virtual atc, not one of CANN's";

// The opset of ai.onnx. Throws Error{unsupported} for one that CANN does not read, Error{invalid_model} for none.
int64_t checked_opset(const onnx::ModelProto& model);

// Throws Error{unsupported} with a line E19010 for each node, of branches too, that CANN's parser does not know.
void check_parsers(const onnx::GraphProto& graph, int64_t opset);

// What CANN is supposed to compile to operators that one article reports to be missing in 7.0.RC1: a MaxPool whose indices are read, to MaxPoolWithArgmaxV1, and a Dropout
// in training mode, to DropOutDoMask. Which operators these become is assumed: no list says it. Throws Error{unsupported} for the first of them in a version that lacks
// its operator, in the article's words. `graph`: as it is to be compiled, with the outputs that were asked for.
void check_max_pools(const onnx::GraphProto& graph, chip::CannVersion version);
void check_dropouts(const Graph& graph, chip::CannVersion version);

// Throws Error{unsupported} where indices of a MaxPool are left in the graph, which this atc cannot compute.
void check_indices(const Graph& graph);

// Throws Error{unsupported} with a line EZ3003 for each node of the file that is not supported in its dtype, E20001 for one beyond CANN's limits. `graph`: the file's, as it was read, in which the dtypes
// stand; nodes that have vanished from it are constants. Adds to `warnings` what is not known.
void check_engines(const onnx::GraphProto& file, int64_t opset, const Graph& graph, chip::PrecisionMode mode, chip::CannVersion version, std::vector<std::string>& warnings);

}  // namespace ropeway::virtual_npu
