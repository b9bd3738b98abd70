// The zip archive that torch.export.save writes: the description of a model, and its tensors.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "formats/pt2/json.h"
#include "formats/zip.h"
#include "ropeway/tensor.h"

namespace ropeway::pt2 {

// torch's number of a dtype in a .pt2, which is not its c10::ScalarType. Throws Error{invalid_model, unsupported}.
DType dtype_of(int64_t number);

class Archive {
 public:
  // Throws Error{unsupported} for archives that torch writes and that are no exported model (weights alone, TorchScript, compiled code, older layouts),
  // Error{invalid_model} for what is none of torch's. The file must live as long as the archive.
  explicit Archive(const File& file);

  // The model's description. Throws Error{unsupported} when there are several models.
  Json model() const;

  // The tensor of a parameter, buffer or constant by its name in the module, such as "layer1.0.conv1.weight". Tensors that share memory in the file share it here,
  // where their elements lie in order. Larger ones are deferred (ir/deferred.h). Throws Error{invalid_model, unsupported}.
  Tensor tensor(const std::string& name);

 private:
  struct Record {
    const Json* entry = nullptr;
    std::string folder;  // of the payload
  };

  void read_config(const std::string& folder, const char* file);
  const ZipContent& payload(const std::string& path);
  // The tensor that is all of an entry, if it need not be read yet; `name` is for errors.
  std::optional<Tensor> deferred(const TensorType& type, const std::string& path, const std::string& name);
  const ZipEntry& required(const std::string& name) const;

  File file_;
  ZipArchive zip_;
  std::string root_;  // the one folder that holds everything, with its slash
  std::deque<Json> configs_;                  // records_ point into them
  std::map<std::string, Record> records_;     // by tensor name
  std::map<std::string, ZipContent> payloads_;  // read so far, by path
  std::map<std::string, Tensor> deferred_;      // not yet, by path
};

}  // namespace ropeway::pt2
