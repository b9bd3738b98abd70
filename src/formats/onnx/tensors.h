// Weights and other constants of an ONNX file, inline or in files beside it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "base/file.h"
#include "formats/onnx/proto.h"
#include "ropeway/tensor.h"

namespace ropeway::onnx {

// The dtype of a TensorProto.DataType. Throws Error{unsupported} that names the type for those that Ropeway lacks, Error{invalid_model} for no type at all.
DType dtype_of(int64_t data_type);
// The reverse.
int64_t data_type_of(DType dtype);

// The files that hold a model's external data. A model may point only to files that lie with it: in its folder, or, when it is reached through a symbolic
// link, in the folder of the real file (caches of downloaded models are laid out so).
class ExternalFiles {
 public:
  explicit ExternalFiles(const std::filesystem::path& model) : model_(model) {}

  // The file at `location`, relative to the model's folder. Throws Error{invalid_model} for a location that leads elsewhere, for anything but a regular
  // file, and for a file with further hard links, which may be anyone's; Error{not_found, io}.
  const File& open(std::string_view location);

 private:
  std::filesystem::path model_;
  std::map<std::string, std::unique_ptr<File>, std::less<>> open_;
};

// The tensor, in its own memory: what is inline is copied, what is external is read straight to where it stays.
// Throws Error{invalid_model} when data and shape do not agree, Error{unsupported}, and what ExternalFiles::open throws.
Tensor read_tensor(const TensorProto& proto, ExternalFiles& files);

}  // namespace ropeway::onnx
