// Weights that stay in their file until they are needed.
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"
#include "ir/deferred.h"

namespace ropeway {

// Where a tensor's elements lie in a file, as they are in memory.
struct FileRange {
  File file;
  uint64_t offset = 0;
  size_t bytes = 0;
  uint32_t crc = 0;  // of these bytes, as zip archives have it; 0: not recorded
  std::string name;  // for errors, such as "the tensor layer1.0.conv1.weight"
};

// Reading throws Error{invalid_model} when the checksum is wrong, and Error{io} when the file changed since it was opened; a note says which tensor it was.
std::shared_ptr<const Source> source_in(FileRange range);

// Tensors below this are read at once: it costs less than to remember where they are.
inline constexpr size_t kLeastDeferred = 1024;  // bytes

}  // namespace ropeway
