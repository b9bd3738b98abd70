// Graph → .om, by the compiler of a CANN installation.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cann/installation.h"
#include "chip/precision.h"
#include "ir/graph.h"
#include "ropeway/error.h"

namespace ropeway::ascend {

// A failure of atc's alone, with this model: it reports one, is killed, takes too long, or leaves no model. Not: there is no atc, or no room.
class CompilerError : public Error {
 public:
  explicit CompilerError(std::string message) : Error(ErrorCode::device, std::move(message)) {}
};

struct CompilerOptions {
  std::string soc;        // "Ascend310B1"
  double seconds = 3600;  // after which atc is killed; boards are slow
  std::string* output = nullptr;  // receives what atc printed, when it ran
  chip::PrecisionMode precision = chip::PrecisionMode::force_fp16;  // atc's default for the 310B, said aloud
  std::set<int> keep = {};        // nodes of the graph that keep f32 (atc's --keep_dtype)
};

// What atc is given: opset-17 operators alone, and input names that its --input_shape can say.
struct AtcInput {
  std::string onnx;
  std::vector<std::string> input_names;  // as the .om has them, in the graph's order
  std::string input_shape;
  std::map<std::string, int> nodes;  // by name in the file: the node of the graph that it came from
};
// Throws Error{unsupported} for what ONNX cannot say.
AtcInput make_atc_input(Graph graph);

struct CompiledOm {
  std::filesystem::path path;  // in the cache
  std::string key;             // under which it is there
};

// The compiled model's file, from the cache or by running atc. It stays in the cache. No device is needed.
// Throws CompilerError; Error{device}: there is no atc; Error{unsupported, io}. Nothing half-written stays.
CompiledOm compile_om(const AtcInput& input, const std::string& model, const cann::Installation& installation, const CompilerOptions& options);

}  // namespace ropeway::ascend
