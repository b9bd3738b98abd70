#include "formats/file_source.h"

#include <libdeflate.h>

#include <algorithm>

#include "base/text.h"

namespace ropeway {
namespace {

// Polynomials over two elements, highest power in the lowest bit, modulo that of CRC-32.
uint32_t product(uint32_t a, uint32_t b) {
  constexpr uint32_t kModulus = 0xEDB88320;
  uint32_t result = 0;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1) {
    if (a & bit) result ^= b;
    b = (b >> 1) ^ (b & 1 ? kModulus : 0);
  }
  return result;
}

// What `crc`, the checksum of some bytes, adds to the checksum of these bytes with `count` more behind them: crc · x^(8 · count).
uint32_t moved(uint32_t crc, uint64_t count) {
  for (uint32_t power = uint32_t{1} << 23; count != 0; count >>= 1, power = product(power, power)) {
    if (count & 1) crc = product(crc, power);
  }
  return crc;
}

class FileReading final : public Reading {
 public:
  explicit FileReading(FileRange range) : range_(std::move(range)) {}

  // A piece at a time: what was just read is still in the cache when the checksum is made.
  void read(size_t offset, std::span<std::byte> into) override try {
    constexpr size_t kPiece = size_t{256} << 10;
    uint32_t crc = 0;
    for (size_t at = 0; at < into.size(); at += kPiece) {
      const auto piece = into.subspan(at, std::min(kPiece, into.size() - at));
      range_.file.read(range_.offset + offset + at, piece);
      if (range_.crc != 0) crc = libdeflate_crc32(crc, piece.data(), piece.size());
    }
    if (range_.crc != 0) crc_.fetch_xor(moved(crc, range_.bytes - offset - into.size()));
  } catch (Error& error) {
    add_note(error);
    throw;
  }

  void finish() override try {
    range_.file.check_unchanged();
    if (range_.crc != 0 && crc_ != range_.crc) fail(ErrorCode::invalid_model, "the file {} is damaged: a checksum in it is wrong. Copy or export it again", range_.file.path().string());
  } catch (Error& error) {
    add_note(error);
    throw;
  }

 private:
  void add_note(Error& error) const { error.add_note(fmt::format("while reading {}", range_.name)); }

  FileRange range_;  // its own: the source may go before
  std::atomic<uint32_t> crc_{0};
};

class FileSource final : public Source {
 public:
  explicit FileSource(FileRange range) : range_(std::move(range)) {}
  std::unique_ptr<Reading> begin() const override { return std::make_unique<FileReading>(range_); }

 private:
  FileRange range_;
};

}  // namespace

std::shared_ptr<const Source> source_in(FileRange range) { return std::make_shared<FileSource>(std::move(range)); }

}  // namespace ropeway
