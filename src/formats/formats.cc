#include "formats/formats.h"

#include <algorithm>

#include "base/text.h"
#include "formats/builtin.h"
#include "formats/onnx/onnx.h"
#include "formats/pt2/pt2.h"

namespace ropeway {

const std::vector<Format>& formats() {
  static const std::vector<Format> rows = {
      {"pt2", "PyTorch's exported program (.pt2)", recognises_pt2, read_pt2},
      {"onnx", "ONNX, opset 11 to 23", recognises_onnx, read_onnx},
  };
  return rows;
}

const std::vector<BuiltinModel>& builtin_models() {
  static const std::vector<BuiltinModel> rows = {
      {"alexnet", "AlexNet as the article has it", make_alexnet},
      {"lenet", "LeNet for 224×224 images", make_lenet},
      {"resnet34", "ResNet-34 with an average pool in its stem", make_resnet34},
  };
  return rows;
}

void check_model(const std::string& model) {
  std::vector<std::string> names;
  for (const BuiltinModel& row : builtin_models()) {
    if (model == row.name) return;
    names.emplace_back(row.name);
  }
  std::error_code problem;
  if (!std::filesystem::exists(model, problem) && !problem) {
    const std::string near = nearest(model, names);
    fail(ErrorCode::not_found, "there is no model '{}': it is neither a file nor a built-in model ({}){}", model, listed(names),
         near.empty() ? "" : fmt::format(". Did you mean {}?", near));
  }
  File{model};
}

Graph read_model(const std::string& model, const ReadOptions& options) {
  check_model(model);
  for (const BuiltinModel& row : builtin_models()) {
    if (model != row.name) continue;
    const auto given = options.input_shapes.find("input");
    const int64_t batch = options.batch ? *options.batch : given != options.input_shapes.end() && !given->second.empty() ? given->second[0] : 1;
    if (batch < 1) fail(ErrorCode::invalid_argument, "a batch of {} is not possible: it must be at least 1", batch);
    return row.make(batch);
  }
  const File file(model);
  for (const Format& format : formats()) {
    if (!format.recognises(file)) continue;
    try {
      return format.read(file, options);
    } catch (Error& error) {
      error.add_note(fmt::format("while reading {} as {}", model, format.description));
      throw;
    }
  }
  std::vector<std::string> known;
  for (const Format& format : formats()) known.emplace_back(format.description);
  fail(ErrorCode::invalid_model, "{} is not a model that can be read here: its content is none of {}, nor a whole compiled model (.om). Save a PyTorch model with torch.export.save", model, listed(known));
}

}  // namespace ropeway
