// Model files and built-in models, as graphs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "ir/graph.h"

namespace ropeway {

// How symbolic dimensions become numbers: every graph is static.
struct ReadOptions {
  std::optional<int64_t> batch;               // size of the first dimension of every input; an Error{invalid_argument} where the file fixes another one
  std::map<std::string, Shape> input_shapes;  // by input name; must agree with what the file fixes
  // A symbolic dimension that neither settles takes the file's example size (.pt2), else 1.
};

struct Format {
  const char* name;         // "onnx"
  const char* description;  // "ONNX, opset 11 to 23"
  bool (*recognises)(const File& file);  // by content, never by extension
  Graph (*read)(const File& file, const ReadOptions& options);
};
const std::vector<Format>& formats();

struct BuiltinModel {
  const char* name;
  const char* description;
  Graph (*make)(int64_t batch);
};
const std::vector<BuiltinModel>& builtin_models();

// Throws Error{not_found} (with the nearest built-in name) when `model` is neither a built-in model nor a file, Error{io} when it cannot be opened.
void check_model(const std::string& model);

// A built-in model's name, or a file's path. A file called like a built-in model is reached as ./name.
// Throws Error{not_found} (with the nearest built-in name), invalid_model, unsupported, invalid_argument (options that do not fit), io.
Graph read_model(const std::string& model, const ReadOptions& options);

}  // namespace ropeway
