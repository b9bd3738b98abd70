#include "cann/elf.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;

// What the C library, the compiler's run-time and the loader consist of: they are there when this program is.
constexpr std::array kSystemLibraries = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"};

template <class T>
T read_one(const File& file, uint64_t offset) {
  T value{};
  file.read(offset, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

bool is_elf64(const File& file, Elf64_Ehdr& head) {
  if (file.size() < sizeof head) return false;
  head = read_one<Elf64_Ehdr>(file, 0);
  return std::memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_ident[EI_DATA] == ELFDATA2LSB;
}

// A section with its content.
struct Section {
  Elf64_Shdr header;
  std::string bytes;

  Section(const File& file, const Elf64_Ehdr& head, uint64_t index) : header(read_one<Elf64_Shdr>(file, head.e_shoff + index * sizeof(Elf64_Shdr))) {
    if (header.sh_type != SHT_DYNAMIC && header.sh_type != SHT_DYNSYM && header.sh_type != SHT_STRTAB) return;
    if (header.sh_size > file.size()) fail(ErrorCode::invalid_model, "{} is damaged: a section of it is larger than the file", file.path().string());
    bytes.resize(header.sh_size);
    file.read(header.sh_offset, std::as_writable_bytes(std::span(bytes)));
  }
  std::string text_at(uint64_t offset) const { return offset < bytes.size() ? std::string(bytes.c_str() + offset) : std::string(); }
  template <class T>
  std::vector<T> entries() const {
    std::vector<T> result(bytes.size() / sizeof(T));
    std::memcpy(result.data(), bytes.data(), result.size() * sizeof(T));
    return result;
  }
};

std::optional<fs::path> locate(const std::string& name, const fs::path& asking, const ElfLibrary& elf, std::span<const fs::path> folders) {
  std::error_code ignored;
  for (std::string place : elf.run_path) {
    for (const char* origin : {"${ORIGIN}", "$ORIGIN"}) {
      if (const size_t at = place.find(origin); at != std::string::npos) place.replace(at, std::strlen(origin), asking.parent_path().string());
    }
    if (fs::exists(fs::path(place) / name, ignored)) return fs::path(place) / name;
  }
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / name, ignored)) return folder / name;
  }
  return std::nullopt;
}

}  // namespace

ElfLibrary read_elf(const fs::path& path) {
  const File file(path);
  Elf64_Ehdr head{};
  if (!is_elf64(file, head) || head.e_shentsize != sizeof(Elf64_Shdr)) fail(ErrorCode::invalid_model, "{} is no library", path.string());
  ElfLibrary result;
  for (uint64_t i = 0; i < head.e_shnum; ++i) {
    const Section section(file, head, i);
    const uint32_t type = section.header.sh_type;
    if (type != SHT_DYNAMIC && type != SHT_DYNSYM) continue;
    const Section names(file, head, section.header.sh_link);
    for (const Elf64_Dyn& entry : type == SHT_DYNAMIC ? section.entries<Elf64_Dyn>() : std::vector<Elf64_Dyn>()) {
      if (entry.d_tag == DT_NEEDED) result.needed.push_back(names.text_at(entry.d_un.d_val));
      if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) result.run_path = split(names.text_at(entry.d_un.d_val), ':');
    }
    for (const Elf64_Sym& symbol : type == SHT_DYNSYM ? section.entries<Elf64_Sym>() : std::vector<Elf64_Sym>()) {
      if (symbol.st_shndx != SHN_UNDEF) result.functions.insert(names.text_at(symbol.st_name));
    }
  }
  return result;
}

void check_whole(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;  // here and below: the loader says what is wrong
  const File file(path);
  Elf64_Ehdr head{};
  if (!is_elf64(file, head) || head.e_phentsize != sizeof(Elf64_Phdr)) return;
  uint64_t end = head.e_shoff + uint64_t{head.e_shnum} * head.e_shentsize;
  for (uint64_t i = 0; i < head.e_phnum && head.e_phoff + (i + 1) * sizeof(Elf64_Phdr) <= file.size(); ++i) {
    const auto segment = read_one<Elf64_Phdr>(file, head.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_LOAD) end = std::max<uint64_t>(end, segment.p_offset + segment.p_filesz);
  }
  if (end > file.size()) fail(ErrorCode::device, "{} is cut off: it has {} bytes where its headers speak of {}. Install CANN again", path.string(), file.size(), end);
}

std::vector<MissingLibrary> missing_libraries(const fs::path& library, std::span<const fs::path> folders) {
  std::vector<MissingLibrary> missing;
  std::set<std::string> known;
  std::vector<fs::path> todo = {library};
  for (size_t i = 0; i < todo.size(); ++i) {
    const fs::path asking = todo[i];
    ElfLibrary elf;
    try {
      elf = read_elf(asking);
    } catch (const Error&) {
      continue;  // a linker script, or what the loader will complain of
    }
    for (const std::string& name : elf.needed) {
      if (std::find(kSystemLibraries.begin(), kSystemLibraries.end(), name) != kSystemLibraries.end() || !known.insert(name).second) continue;
      if (const auto found = locate(name, asking, elf, folders)) todo.push_back(*found);
      else missing.push_back({name, asking.filename().string()});
    }
  }
  return missing;
}

}  // namespace ropeway::cann
