// A strict reader of zip archives. A library would hand out copies; here a stored entry is read once, into the memory in which it is used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"

namespace ropeway {

struct ZipEntry {
  std::string name;
  uint64_t offset = 0;       // of the data in the file
  uint64_t stored_size = 0;  // bytes in the file
  uint64_t size = 0;         // bytes of content
  uint32_t crc = 0;          // 0: not recorded
  bool deflated = false;
};

struct ZipContent {
  std::shared_ptr<std::byte> bytes;  // 64-byte aligned
  size_t size = 0;
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.get()), size}; }
};

// What names of entries may be. `relative`: paths that stay in their folder; `any`: whatever is no path for the caller, such as /conv1/Conv in NumPy's .npz files.
enum class ZipNames { relative, any };

// An archive whose directory was read and checked as a whole: one disk, ZIP64 understood, methods stored and deflate, nothing encrypted; names are
// UTF-8, unique and, unless asked for otherwise, relative; the directory agrees with the header before each entry; entries lie inside the file and do not overlap.
// Throws Error{invalid_model} for what breaks these rules and Error{unsupported} for encryption and other methods.
class ZipArchive {
 public:
  // The file must live as long as the archive.
  explicit ZipArchive(const File& file, ZipNames names = ZipNames::relative);

  // Whether a file begins like an archive.
  static bool recognises(const File& file);

  // In the order of the directory; folders are left out.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  // nullptr when there is none.
  const ZipEntry* find(const std::string& name) const;

  // The content of an entry, its checksum compared where one is recorded. Throws Error{invalid_model} when it is damaged.
  ZipContent read(const ZipEntry& entry) const;

 private:
  const File& file_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, size_t> by_name_;
};

}  // namespace ropeway
