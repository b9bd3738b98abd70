// Reader of ONNX files, opset 11 to 23.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "formats/formats.h"
#include "ir/graph.h"

namespace ropeway {

// Whether the file begins like an ONNX model: a ModelProto with an IR version and a graph. Reads a few bytes of each field only.
bool recognises_onnx(const File& file);

// The file's graph, static: shapes that it computes are numbers, symbolic dimensions are bound as `options` says. Weights in external files are read too.
// Every node keeps its name and, where the file tells, its module path. Throws Error{invalid_model, unsupported, invalid_argument, not_found, io, out_of_memory};
// operators that nothing here can read are listed all at once.
Graph read_onnx(const File& file, const ReadOptions& options);
// The same from memory. `file`: where the bytes come from, for messages and for external data, which lies beside it.
Graph read_onnx(std::string_view bytes, const std::filesystem::path& file, const ReadOptions& options);

}  // namespace ropeway
