// NumPy's .npz files: arrays by name, as numpy.savez and numpy.savez_compressed write them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/zip.h"
#include "ropeway/tensor.h"

namespace ropeway {

class Npz {
 public:
  // Reads the directory alone. Throws Error{not_found, io}; Error{invalid_argument} for what is no archive of .npy files with a name each, Error{invalid_model, unsupported}
  // for an archive that ZipArchive refuses.
  explicit Npz(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  // In the order of the file, each once; any text may be a name.
  const std::vector<std::string>& names() const { return names_; }
  // Throws Error{not_found} for a name that is not there, Error{invalid_argument, invalid_model} for an array that is damaged or cannot be read, as read_npy has it.
  Tensor read(const std::string& name) const;

 private:
  File file_;
  ZipArchive archive_;
  std::vector<std::string> names_;
};

}  // namespace ropeway
