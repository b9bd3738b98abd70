// Layouts and numbers follow PKWARE's APPNOTE.TXT, version 6.3.10; names of fields are its own.
#include "formats/zip.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/buffer.h"
#include "base/text.h"

namespace ropeway {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr size_t kLocalHeaderSize = 30, kDirectoryEntrySize = 46, kEndSize = 22, kEnd64Size = 56, kEnd64LocatorSize = 20;
constexpr uint64_t kMaxEntries = 1'000'000;
constexpr uint64_t kMaxDirectory = uint64_t{1} << 30;
// Deflate makes at most 1032 bytes of one.
constexpr uint64_t kMaxExpansion = 1032;
constexpr uint16_t kEncrypted = 0x0001, kSizesFollow = 0x0008, kStrongEncryption = 0x0040, kMaskedHeaders = 0x2000;
constexpr uint16_t kStored = 0, kDeflate = 8;

template <class... Args>
[[noreturn]] void damaged(const File& file, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::invalid_model, "the archive {} is damaged: {}. Copy or export it again", file.path().string(), fmt::format(format, std::forward<Args>(args)...));
}

// Little-endian numbers, taken one after the other. The caller has checked that there are enough bytes.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : rest_(bytes) {}
  uint16_t u16() { return static_cast<uint16_t>(take(2)); }
  uint32_t u32() { return static_cast<uint32_t>(take(4)); }
  uint64_t u64() { return take(8); }
  size_t left() const { return rest_.size(); }
  std::span<const std::byte> bytes(size_t count) {
    const auto result = rest_.first(count);
    rest_ = rest_.subspan(count);
    return result;
  }

 private:
  uint64_t take(size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value |= std::to_integer<uint64_t>(rest_[i]) << (8 * i);
    rest_ = rest_.subspan(count);
    return value;
  }
  std::span<const std::byte> rest_;
};

std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return false;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (int following = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3; following > 0; --following, low = 0x80, high = 0xBF) {
      if (i == text.size()) return false;
      const auto next = static_cast<uint8_t>(text[i++]);
      if (next < low || next > high) return false;
    }
  }
  return true;
}

// What is wrong with an entry's name, or nullptr.
const char* fault_of_name(const std::string& name, ZipNames allowed) {
  if (name.empty()) return "is empty";
  if (name.find('\0') != std::string::npos) return "contains a NUL character";
  if (!is_utf8(name)) return "is not UTF-8";
  if (allowed == ZipNames::any) return nullptr;
  if (name.find('\\') != std::string::npos) return "contains a backslash";
  if (name.front() == '/' || (name.size() >= 2 && name[1] == ':')) return "is an absolute path";
  std::vector<std::string> parts = split(name, '/');
  if (parts.back().empty()) parts.pop_back();  // a folder
  for (const std::string& part : parts) {
    if (part.empty() || part == "." || part == "..") return "has an empty part, '.' or '..' in its path";
  }
  return nullptr;
}

// Where the directory lies, from the record at the end of the file.
struct Directory {
  uint64_t entries = 0, size = 0, offset = 0;
};

// The ZIP64 form of the end record, which goes before the plain one at `end`; the plain one's numbers must agree or be saturated.
void take_end64(const File& file, uint64_t end, Directory& directory) {
  if (end < kEnd64LocatorSize) return;
  std::array<std::byte, kEnd64LocatorSize> locator_bytes{};
  file.read(end - kEnd64LocatorSize, locator_bytes);
  Fields locator(locator_bytes);
  if (locator.u32() != kEnd64Locator) {
    if (directory.entries == 0xFFFF || directory.size == 0xFFFFFFFF || directory.offset == 0xFFFFFFFF) damaged(file, "its ZIP64 end record is missing");
    return;
  }
  const uint32_t disk = locator.u32();
  const uint64_t at = locator.u64();
  if (disk != 0 || locator.u32() > 1) damaged(file, "it is one part of several");
  if (at > end - kEnd64LocatorSize || end - kEnd64LocatorSize - at < kEnd64Size) damaged(file, "its ZIP64 end record lies outside the file");
  std::array<std::byte, kEnd64Size> record_bytes{};
  file.read(at, record_bytes);
  Fields record(record_bytes);
  if (record.u32() != kEnd64) damaged(file, "its ZIP64 end record is not where the locator says");
  record.bytes(8 + 2 + 2);  // size of this record, versions
  if (record.u32() != 0 || record.u32() != 0) damaged(file, "it is one part of several");
  Directory wide;
  const uint64_t here = record.u64();
  wide.entries = record.u64();
  if (here != wide.entries) damaged(file, "it is one part of several");
  wide.size = record.u64();
  wide.offset = record.u64();
  const auto agrees = [](uint64_t plain, uint64_t saturated, uint64_t value) { return plain == saturated || plain == value; };
  if (!agrees(directory.entries, 0xFFFF, wide.entries) || !agrees(directory.size, 0xFFFFFFFF, wide.size) || !agrees(directory.offset, 0xFFFFFFFF, wide.offset)) {
    damaged(file, "its end record and the ZIP64 one differ");
  }
  directory = wide;
}

Directory find_directory(const File& file) {
  constexpr uint64_t kMaxComment = 0xFFFF;
  const uint64_t tail_size = std::min(file.size(), kEndSize + kMaxComment);
  const auto tail = file.read(file.size() - tail_size, tail_size);
  for (uint64_t back = kEndSize; back <= tail_size; ++back) {
    Fields record({tail.get() + (tail_size - back), kEndSize});
    if (record.u32() != kEnd) continue;
    const uint16_t disk = record.u16(), first_disk = record.u16(), here = record.u16();
    Directory directory;
    directory.entries = record.u16();
    directory.size = record.u32();
    directory.offset = record.u32();
    if (record.u16() != back - kEndSize) continue;  // the comment does not end with the file: these four bytes are part of something else
    if (disk != 0 || first_disk != 0 || here != directory.entries) damaged(file, "it is one part of several");
    const uint64_t end = file.size() - back;
    take_end64(file, end, directory);
    if (directory.offset > end || directory.size > end - directory.offset) damaged(file, "its directory lies outside the file");
    if (directory.entries > kMaxEntries || directory.size > kMaxDirectory) damaged(file, "it lists {} entries", directory.entries);
    return directory;
  }
  damaged(file, "it has no end record, so it was cut off");
}

// Replaces saturated numbers by those of the ZIP64 extra field, which holds just these, in this order.
void take_extra64(const File& file, const std::string& name, Fields extra, std::initializer_list<uint64_t*> numbers) {
  const auto saturated = [](const uint64_t* number) { return *number == 0xFFFFFFFF; };
  while (extra.left() >= 4) {
    const uint16_t id = extra.u16(), size = extra.u16();
    if (size > extra.left()) break;
    Fields field(extra.bytes(size));
    if (id != 0x0001) continue;
    for (uint64_t* number : numbers) {
      if (!saturated(number)) continue;
      if (field.left() < 8) damaged(file, "the ZIP64 field of {} is too short", name);
      *number = field.u64();
    }
    return;
  }
  if (std::any_of(numbers.begin(), numbers.end(), saturated)) damaged(file, "{} lacks its ZIP64 field", name);
}

struct Header {
  ZipEntry entry;
  uint16_t flags = 0, method = 0;
  uint64_t local = 0;  // offset of the header before the data
};

Header read_directory_entry(const File& file, Fields& directory, ZipNames names) {
  if (directory.left() < kDirectoryEntrySize) damaged(file, "its directory ends too early");
  if (directory.u32() != kDirectoryEntry) damaged(file, "its directory has fewer entries than it says");
  Header header;
  directory.bytes(2 + 2);  // versions
  header.flags = directory.u16();
  header.method = directory.u16();
  directory.bytes(4);  // time and date
  header.entry.crc = directory.u32();
  header.entry.stored_size = directory.u32();
  header.entry.size = directory.u32();
  const size_t name_size = directory.u16(), extra_size = directory.u16(), comment_size = directory.u16();
  const uint16_t disk = directory.u16();
  directory.bytes(2 + 4);  // attributes
  header.local = directory.u32();
  if (directory.left() < name_size + extra_size + comment_size) damaged(file, "its directory ends too early");
  header.entry.name = text_of(directory.bytes(name_size));
  const Fields extra(directory.bytes(extra_size));
  directory.bytes(comment_size);
  if (const char* fault = fault_of_name(header.entry.name, names)) damaged(file, "the name of entry {:?} {}", header.entry.name, fault);
  take_extra64(file, header.entry.name, extra, {&header.entry.size, &header.entry.stored_size, &header.local});
  if (disk != 0 && disk != 0xFFFF) damaged(file, "it is one part of several");
  return header;
}

// Reads the header before the data, which must say what the directory says, and so finds the data.
void locate(const File& file, Header& header) {
  ZipEntry& entry = header.entry;
  if (header.flags & (kEncrypted | kStrongEncryption | kMaskedHeaders)) {
    fail(ErrorCode::unsupported, "{} in the archive {} is encrypted. Save the model without a password", entry.name, file.path().string());
  }
  if (header.method != kStored && header.method != kDeflate) {
    fail(ErrorCode::unsupported, "{} in the archive {} is compressed by method {}; only stored and deflated entries can be read", entry.name, file.path().string(), header.method);
  }
  entry.deflated = header.method == kDeflate;
  const size_t fixed = kLocalHeaderSize + entry.name.size();
  if (header.local > file.size() || file.size() - header.local < fixed) damaged(file, "{} lies outside the file", entry.name);
  std::vector<std::byte> bytes(fixed);
  file.read(header.local, bytes);
  Fields local(bytes);
  if (local.u32() != kLocalHeader) damaged(file, "there is no entry where {} should be", entry.name);
  local.bytes(2);
  const uint16_t flags = local.u16(), method = local.u16();
  local.bytes(4);
  const uint32_t crc = local.u32();
  uint64_t stored_size = local.u32(), size = local.u32();
  const size_t name_size = local.u16(), extra_size = local.u16();
  if (flags != header.flags || method != header.method || name_size != entry.name.size() || text_of(local.bytes(name_size)) != entry.name) {
    damaged(file, "its directory and the header of {} differ", entry.name);
  }
  entry.offset = header.local + fixed + extra_size;
  if (entry.offset > file.size() || entry.stored_size > file.size() - entry.offset) damaged(file, "{} reaches beyond the end of the file", entry.name);
  if (size == 0xFFFFFFFF || stored_size == 0xFFFFFFFF) {
    std::vector<std::byte> extra(extra_size);
    file.read(header.local + fixed, extra);
    take_extra64(file, entry.name, Fields(extra), {&size, &stored_size});
  }
  // Where a descriptor follows the data, this header may leave out what was not yet known.
  const bool later = (header.flags & kSizesFollow) != 0;
  const auto agrees = [later](uint64_t here, uint64_t there) { return here == there || (later && here == 0); };
  if (!agrees(size, entry.size) || !agrees(stored_size, entry.stored_size) || !agrees(crc, entry.crc)) damaged(file, "its directory and the header of {} differ", entry.name);
  if (!entry.deflated && entry.size != entry.stored_size) damaged(file, "{} is stored, but its two sizes differ", entry.name);
  if (entry.deflated && entry.size / kMaxExpansion > entry.stored_size) damaged(file, "{} cannot hold the {} bytes that it says", entry.name, entry.size);
}

void check_overlap(const File& file, std::vector<Header> headers, uint64_t directory) {
  std::sort(headers.begin(), headers.end(), [](const Header& a, const Header& b) { return a.local < b.local; });
  for (size_t i = 0; i < headers.size(); ++i) {
    const ZipEntry& entry = headers[i].entry;
    const uint64_t next = i + 1 < headers.size() ? headers[i + 1].local : directory;
    if (entry.offset + entry.stored_size > next) damaged(file, "{} overlaps what follows it", entry.name);
  }
}

}  // namespace

bool ZipArchive::recognises(const File& file) {
  std::array<std::byte, 4> magic{};
  if (file.size() < kEndSize) return false;
  file.read(0, magic);
  const uint32_t signature = Fields(magic).u32();
  return signature == kLocalHeader || signature == kEnd;
}

ZipArchive::ZipArchive(const File& file, ZipNames names) : file_(file) {
  const Directory directory = find_directory(file);
  const auto bytes = file.read(directory.offset, directory.size);
  Fields fields({bytes.get(), directory.size});
  std::vector<Header> headers;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    headers.push_back(read_directory_entry(file, fields, names));
    locate(file, headers.back());
  }
  if (fields.left() > 0) damaged(file, "its directory has more entries than it says");
  for (const Header& header : headers) {
    if (!by_name_.emplace(header.entry.name, entries_.size()).second) damaged(file, "{} is in it twice", header.entry.name);
    if (header.entry.name.back() != '/') entries_.push_back(header.entry);
  }
  check_overlap(file, std::move(headers), directory.offset);
}

const ZipEntry* ZipArchive::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() || name.back() == '/' ? nullptr : &entries_[found->second];
}

ZipContent ZipArchive::read(const ZipEntry& entry) const {
  ZipContent content{file_.read(entry.offset, entry.stored_size), entry.size};
  if (entry.deflated) {
    const auto packed = std::exchange(content.bytes, allocate_buffer(entry.size));
    const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    if (decompressor == nullptr) fail(ErrorCode::out_of_memory, "no memory to decompress {} in {}", entry.name, file_.path().string());
    size_t consumed = 0, produced = 0;
    const libdeflate_result result = libdeflate_deflate_decompress_ex(decompressor.get(), packed.get(), entry.stored_size, content.bytes.get(), entry.size, &consumed, &produced);
    if (result != LIBDEFLATE_SUCCESS || consumed != entry.stored_size || produced != entry.size) damaged(file_, "{} cannot be decompressed to its {} bytes", entry.name, entry.size);
  }
  if (entry.crc != 0 && libdeflate_crc32(0, content.bytes.get(), content.size) != entry.crc) damaged(file_, "the checksum of {} is wrong", entry.name);
  return content;
}

}  // namespace ropeway
