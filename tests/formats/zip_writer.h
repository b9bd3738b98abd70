// Writes zip archives for tests, right ones and wrong ones: after PKWARE's APPNOTE.TXT 6.3.10.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ropeway::zip_test {

inline std::string number(uint64_t value, size_t bytes) {
  std::string result;
  for (size_t i = 0; i < bytes; ++i) result += static_cast<char>(value >> (8 * i) & 0xff);
  return result;
}
inline std::string u16(uint64_t value) { return number(value, 2); }
inline std::string u32(uint64_t value) { return number(value, 4); }
inline std::string u64(uint64_t value) { return number(value, 8); }

inline constexpr uint32_t kSaturated = 0xFFFFFFFF;

// What stands in a header, before the data or in the directory.
struct Header {
  std::string name;
  uint64_t stored_size = 0, size = 0;
  uint32_t crc = 0;
  uint16_t method = 0, flags = 0;
  std::string extra;
  uint64_t offset = 0;  // in the directory: of the header before the data; set by `archive`, unless it is not 0
  uint16_t disk = 0;

  std::string common() const { return u16(20) + u16(flags) + u16(method) + u32(0) + u32(crc) + u32(stored_size) + u32(size) + u16(name.size()) + u16(extra.size()); }
  std::string local() const { return u32(0x04034b50) + common() + name + extra; }
  std::string central() const { return u32(0x02014b50) + u16(20) + common() + u16(0) + u16(disk) + u16(0) + u32(0) + u32(offset) + name + extra; }
};

// The ZIP64 extra field: those numbers that are saturated, in this order: size, stored size, offset.
inline std::string extra64(const std::vector<uint64_t>& numbers) {
  std::string result = u16(1) + u16(8 * numbers.size());
  for (const uint64_t value : numbers) result += u64(value);
  return result;
}

struct Member {
  Header local, central;
  std::string data, descriptor;
};
inline Member stored(const std::string& name, const std::string& data, uint32_t crc = 0) {
  const Header header{name, data.size(), data.size(), crc, 0, 0, "", 0, 0};
  return {header, header, data, ""};
}
inline Member deflated(const std::string& name, const std::string& packed, uint64_t size, uint32_t crc) {
  const Header header{name, packed.size(), size, crc, 8, 0, "", 0, 0};
  return {header, header, packed, ""};
}

struct End {
  uint64_t disk = 0, first_disk = 0, here = 0, entries = 0, size = 0, offset = 0;
  std::string comment;
  std::string text() const { return u32(0x06054b50) + u16(disk) + u16(first_disk) + u16(here) + u16(entries) + u32(size) + u32(offset) + u16(comment.size()) + comment; }
};
// The two records of ZIP64, to stand at `at`.
struct End64 {
  uint64_t at = 0, entries = 0, size = 0, offset = 0;
  uint64_t locator_at = at, disk = 0, disks = 1;
  std::string text() const {
    return u32(0x06064b50) + u64(44) + u16(45) + u16(45) + u32(disk) + u32(0) + u64(entries) + u64(entries) + u64(size) + u64(offset) + u32(0x07064b50) + u32(0) + u64(locator_at) + u32(disks);
  }
};

struct Parts {
  std::string data, directory;
  End end;
  std::string text() const { return data + directory + end.text(); }
};
inline Parts parts(std::vector<Member> members) {
  Parts result;
  for (Member& member : members) {
    if (member.central.offset == 0) member.central.offset = result.data.size();
    result.data += member.local.local() + member.data + member.descriptor;
    result.directory += member.central.central();
  }
  result.end = {0, 0, members.size(), members.size(), result.directory.size(), result.data.size(), ""};
  return result;
}
inline std::string archive(std::vector<Member> members) { return parts(std::move(members)).text(); }

}  // namespace ropeway::zip_test
