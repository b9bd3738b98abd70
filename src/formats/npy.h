// NumPy's .npy files, versions 1 to 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "ropeway/tensor.h"

namespace ropeway {

// Little-endian numeric and boolean arrays, in C or Fortran order. Throws Error{not_found, io} and, saying what is wrong, Error{invalid_argument}.
Tensor read_npy(const std::filesystem::path& path);

// The same from bytes that lie elsewhere, such as in an archive.
struct NpySource {
  std::string name;  // for messages
  uint64_t size = 0;
  std::function<std::shared_ptr<std::byte>(uint64_t offset, size_t bytes)> read;  // aligned as tensors need it; asked for what lies within `size` alone
};
Tensor read_npy(const NpySource& source);

// The whole file or nothing; version 1.0, C order. bf16, which NumPy lacks, is written as f32. Throws Error{io}.
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace ropeway
