// Files: read at an offset, never mapped (a file that shrinks under us ends in an error, not in SIGBUS); written whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace ropeway {

// A regular file opened for reading. Reads are positioned, so threads may share one File. Copies share what is open; the last one closes it.
class File {
 public:
  // Throws Error{not_found} when there is no such file, Error{io} when it cannot be opened or is not a regular file.
  explicit File(const std::filesystem::path& path);

  const std::filesystem::path& path() const;
  uint64_t size() const;  // bytes, when it was opened

  // Fills `into` from `offset`. Throws Error{invalid_model} when the file ends before that, Error{io} when reading fails or the file became shorter meanwhile.
  void read(uint64_t offset, std::span<std::byte> into) const;

  // The same into new memory (64-byte aligned).
  std::shared_ptr<std::byte> read(uint64_t offset, size_t bytes) const;

  // Throws Error{invalid_model} when the file, as it was opened, does not have these bytes.
  void check_range(uint64_t offset, size_t bytes) const;

  // Throws Error{io} when the file was written to, or cut, since it was opened. (A new file under the same name does not matter: this is still the old one.)
  void check_unchanged() const;

 private:
  struct Opened;
  std::shared_ptr<const Opened> opened_;
};

// Writes a temporary neighbour, then renames it to `path`: a reader sees the old file or the whole new one.
// Throws Error{io}, leaving nothing behind. A path such as /dev/null or a pipe is written directly.
void write_file(const std::filesystem::path& path, std::span<const std::byte> content);
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace ropeway
