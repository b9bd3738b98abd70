#include "formats/npz.h"

#include <cstring>

#include "base/buffer.h"
#include "base/text.h"
#include "formats/npy.h"

namespace ropeway {
namespace {

constexpr std::string_view kSuffix = ".npy";

const File& checked(const File& file) {
  if (!ZipArchive::recognises(file)) fail(ErrorCode::invalid_argument, "{} is not a .npz file: it is no archive. Write it with numpy.savez", file.path().string());
  return file;
}

// Part of an entry, where it lies if tensors may lie there, else copied.
std::shared_ptr<std::byte> part_of(const ZipContent& content, uint64_t offset, size_t bytes) {
  if (offset % kBufferAlignment == 0) return {content.bytes, content.bytes.get() + offset};
  auto copy = allocate_buffer(bytes);
  if (bytes > 0) std::memcpy(copy.get(), content.bytes.get() + offset, bytes);
  return copy;
}

}  // namespace

Npz::Npz(const std::filesystem::path& path) : file_(path), archive_(checked(file_), ZipNames::any) {
  for (const ZipEntry& entry : archive_.entries()) {
    const std::string& name = entry.name;
    if (!name.ends_with(kSuffix)) fail(ErrorCode::invalid_argument, "{} is not a .npz file: {} in it is no .npy file. Write it with numpy.savez", path.string(), name);
    names_.push_back(name.substr(0, name.size() - kSuffix.size()));
  }
}

Tensor Npz::read(const std::string& name) const {
  const ZipEntry* entry = archive_.find(name + std::string(kSuffix));
  if (entry == nullptr) fail(ErrorCode::not_found, "{} holds no '{}'", file_.path().string(), name);
  const ZipContent content = archive_.read(*entry);
  return read_npy({fmt::format("{} in {}", entry->name, file_.path().string()), content.size, [&](uint64_t offset, size_t bytes) { return part_of(content, offset, bytes); }});
}

}  // namespace ropeway
