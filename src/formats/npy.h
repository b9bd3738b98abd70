// NumPy's .npy files, versions 1 to 3.
#pragma once

#include <filesystem>

#include "ropeway/tensor.h"

namespace ropeway {

// Little-endian numeric and boolean arrays, in C or Fortran order. Throws Error{not_found, io} and, saying what is wrong, Error{invalid_argument}.
Tensor read_npy(const std::filesystem::path& path);

// The whole file or nothing; version 1.0, C order. bf16, which NumPy lacks, is written as f32. Throws Error{io}.
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace ropeway
