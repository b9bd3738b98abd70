// The rules of archives that nobody vouches for: each breach ends in an Error, and none in a wrong tensor.
#include "formats/zip.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "support/errors.h"
#include "zip_writer.h"

namespace ropeway::zip_test {
namespace {

using test::expect_error;
using test::TestFolder;
using namespace std::string_literals;

constexpr uint32_t kHelloCrc = 0x3610a686, kDigitsCrc = 0xa684c7c6;  // zlib.crc32 of "hello" and of "0123456789"
const std::string kText = "hello hello hello hello\n", kPacked = "\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00"s;  // zlib's raw deflate
constexpr uint32_t kTextCrc = 0x0b598800;
const Member kHello = stored("hello", "hello", kHelloCrc), kDigits = stored("m/digits", "0123456789", kDigitsCrc);

// Opens an archive of these bytes and reads all of it, as "name=content" joined by spaces.
std::string contents(const std::string& bytes) {
  const TestFolder folder;
  write_file(folder / "a.zip", bytes);
  const File file(folder / "a.zip");
  const ZipArchive archive(file);
  std::vector<std::string> words;
  for (const ZipEntry& entry : archive.entries()) words.push_back(fmt::format("{}={}", entry.name, archive.read(entry).text()));
  return fmt::format("{}", fmt::join(words, " "));
}
void refuses(const std::string& bytes, const std::string& part, ErrorCode code = ErrorCode::invalid_model) {
  expect_error([&] { contents(bytes); }, code, part);
  expect_error([&] { contents(bytes); }, code, "a.zip");
}
// A member whose header before the data, or in the directory, is changed.
template <class Change>
Member changed(Member member, Change change) {
  change(member);
  return member;
}

TEST(Zip, StoredAndDeflated) {
  EXPECT_EQ(contents(archive({kHello, deflated("text", kPacked, kText.size(), kTextCrc), kDigits})), "hello=hello text=" + kText + " m/digits=0123456789");
  EXPECT_EQ(contents(archive({})), "");
  EXPECT_EQ(contents(archive({stored("empty", ""), deflated("packed", "\3\0"s, 0, 0)})), "empty= packed=");
}

TEST(Zip, FindsByName) {
  const TestFolder folder;
  write_file(folder / "a.zip", archive({stored("m/", ""), kDigits}));
  const File file(folder / "a.zip");
  const ZipArchive zip(file);
  ASSERT_EQ(zip.entries().size(), 1u);  // folders are left out
  EXPECT_EQ(zip.find("m/digits"), &zip.entries()[0]);
  EXPECT_EQ(zip.find("m/"), nullptr);
  EXPECT_EQ(zip.find("digits"), nullptr);
  EXPECT_EQ(zip.find("m/digits")->offset, 32u + 38);  // behind two headers of 30 bytes and their names
  EXPECT_EQ(reinterpret_cast<uintptr_t>(zip.read(zip.entries()[0]).bytes.get()) % 64, 0u);
}

TEST(Zip, RecognisesByContent) {
  const auto recognises = [](const std::string& bytes) {
    const TestFolder folder;
    write_file(folder / "a", bytes);
    return ZipArchive::recognises(File(folder / "a"));
  };
  const std::string good = archive({kHello});
  EXPECT_TRUE(recognises(good));
  EXPECT_TRUE(recognises(good.substr(0, good.size() / 2)));  // cut short: the archive says so
  EXPECT_TRUE(recognises(archive({})));
  EXPECT_FALSE(recognises(""));
  EXPECT_FALSE(recognises("PK\3\4"));
  EXPECT_FALSE(recognises(std::string(100, '\0')));
}

// Where it ends.
TEST(Zip, TruncationAnywhere) {
  const std::string good = archive({kHello, kDigits});
  for (size_t length = 0; length < good.size(); ++length) refuses(good.substr(0, length), "");
}

TEST(Zip, TheEndRecordIsAtTheEnd) {
  Parts with_comment = parts({kHello});
  with_comment.end.comment = "PK\5\6 is no end record"s;
  EXPECT_EQ(contents(with_comment.text()), "hello=hello");
  refuses(archive({kHello}) + "x", "no end record");
  refuses("x" + archive({kHello}), "is damaged");
}

TEST(Zip, OnlyOneDisk) {
  for (uint64_t End::*field : {&End::disk, &End::first_disk, &End::here}) {
    Parts several = parts({kHello});
    several.end.*field += 1;
    refuses(several.text(), "one part of several");
  }
  refuses(archive({changed(kHello, [](Member& m) { m.central.disk = 1; })}), "one part of several");
}

TEST(Zip, TheDirectoryIsWhatTheEndSays) {
  Parts more = parts({kHello, kDigits}), fewer = more, outside = more, beyond = more;
  more.end.here = more.end.entries = 3;
  refuses(more.text(), "its directory ends too early");
  fewer.end.here = fewer.end.entries = 1;
  refuses(fewer.text(), "its directory has more entries than it says");
  outside.end.offset = 1'000'000;
  refuses(outside.text(), "its directory lies outside the file");
  beyond.end.size += 1;
  refuses(beyond.text(), "its directory lies outside the file");
  Parts shorter = parts({kHello, kDigits});
  shorter.end.size -= 1;
  refuses(shorter.text(), "its directory ends too early");
  Parts shifted = parts({kHello});
  shifted.end.offset -= 1;
  refuses(shifted.text(), "its directory has fewer entries than it says");
}

// ZIP64.
Parts with_end64(std::vector<Member> members, const std::function<void(End64&)>& change = [](End64&) {}) {
  Parts result = parts(std::move(members));
  End64 wide;
  wide.at = wide.locator_at = result.data.size() + result.directory.size();
  wide.entries = result.end.entries;
  wide.size = result.end.size;
  wide.offset = result.end.offset;
  change(wide);
  result.directory += wide.text();
  result.end.here = result.end.entries = 0xFFFF;
  result.end.size = result.end.offset = kSaturated;
  return result;
}

TEST(Zip64, EndRecord) {
  EXPECT_EQ(contents(with_end64({kHello, kDigits}).text()), "hello=hello m/digits=0123456789");
  Parts plain_too = with_end64({kHello});
  plain_too.end.here = plain_too.end.entries = 1;  // not saturated, but the same
  EXPECT_EQ(contents(plain_too.text()), "hello=hello");
  plain_too.end.here = plain_too.end.entries = 2;
  refuses(plain_too.text(), "its end record and the ZIP64 one differ");
}

TEST(Zip64, WrongEndRecords) {
  Parts missing = parts({kHello});
  missing.end.offset = kSaturated;
  refuses(missing.text(), "its ZIP64 end record is missing");
  const auto change = [](const std::function<void(End64&)>& each) { return with_end64({kHello}, each).text(); };
  refuses(change([](End64& end) { end.locator_at = uint64_t{1} << 60; }), "its ZIP64 end record lies outside the file");
  refuses(change([](End64& end) { end.locator_at += 1; }), "its ZIP64 end record lies outside the file");
  refuses(change([](End64& end) { end.locator_at -= 1; }), "its ZIP64 end record is not where the locator says");
  refuses(change([](End64& end) { end.disk = 1; }), "one part of several");
  refuses(change([](End64& end) { end.disks = 2; }), "one part of several");
  refuses(change([](End64& end) { end.offset = ~uint64_t{0}; }), "its directory lies outside the file");
  refuses(change([](End64& end) { end.size = ~uint64_t{0}; }), "its directory lies outside the file");
  refuses(change([](End64& end) { end.entries = 1'000'001; }), "it lists 1000001 entries");
}

TEST(Zip64, SizesAndOffset) {
  const Member wide = changed(kDigits, [](Member& m) {
    for (Header* header : {&m.local, &m.central}) header->size = header->stored_size = kSaturated;
    m.local.extra = extra64({10, 10});
    m.central.extra = u16(0x7777) + u16(3) + "abc" + extra64({10, 10, 40});  // another field goes before
    m.central.offset = kSaturated;
  });
  const Member before = stored("hello", "hello", kHelloCrc);  // 30 + 5 + 5 bytes
  EXPECT_EQ(contents(archive({before, wide})), "hello=hello m/digits=0123456789");
  refuses(archive({before, changed(wide, [](Member& m) { m.central.extra = extra64({10, 10}); })}), "the ZIP64 field of m/digits is too short");
  refuses(archive({before, changed(wide, [](Member& m) { m.central.extra = ""; })}), "m/digits lacks its ZIP64 field");
  refuses(archive({before, changed(wide, [](Member& m) { m.local.extra = ""; })}), "m/digits lacks its ZIP64 field");
  refuses(archive({before, changed(wide, [](Member& m) { m.central.extra = extra64({10, 10, ~uint64_t{0}}); })}), "m/digits lies outside the file");
  refuses(archive({before, changed(wide, [](Member& m) { m.central.extra = extra64({~uint64_t{0}, ~uint64_t{0}, 40}); })}), "m/digits reaches beyond the end of the file");
  refuses(archive({before, changed(wide, [](Member& m) { m.local.extra = extra64({10, 11}); })}), "its directory and the header of m/digits differ");
  refuses(archive({before, changed(wide, [](Member& m) { m.central.extra = u16(1) + u16(1000) + "short"; })}), "m/digits lacks its ZIP64 field");
}

// Entries.
TEST(Zip, NamesAreRelativeAndUtf8) {
  EXPECT_EQ(contents(archive({stored("模型/é..x", "1")})), "模型/é..x=1");
  const std::vector<std::pair<std::string, std::string>> wrong = {{"", "is empty"},
                                                                  {"a\0b"s, "contains a NUL character"},
                                                                  {"a\\b", "contains a backslash"},
                                                                  {"/etc/passwd", "is an absolute path"},
                                                                  {"C:x", "is an absolute path"},
                                                                  {"../x", "has an empty part, '.' or '..' in its path"},
                                                                  {"a/../x", "'..'"},
                                                                  {"a/..", "'..'"},
                                                                  {"./x", "'.'"},
                                                                  {"a//x", "an empty part"},
                                                                  {"\xff", "is not UTF-8"},
                                                                  {"a\xc3", "is not UTF-8"},
                                                                  {"\xc0\xaf", "is not UTF-8"},              // an overlong slash
                                                                  {"\xe0\x80\xaf", "is not UTF-8"},          // likewise
                                                                  {"\xed\xa0\x80", "is not UTF-8"},          // a surrogate
                                                                  {"\xf4\x90\x80\x80", "is not UTF-8"}};     // above U+10FFFF
  for (const auto& [name, part] : wrong) refuses(archive({stored(name, "1")}), part);
}

TEST(Zip, NamesAreUnique) { refuses(archive({kHello, kDigits, stored("hello", "other")}), "hello is in it twice"); }

TEST(Zip, HeadersAgree) {
  const std::string differ = "its directory and the header of hello differ";
  refuses(archive({changed(kHello, [](Member& m) { m.local.name = "hullo"; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.name = "hell"; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.method = 8; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.flags = 0x0800; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.size = 4; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.stored_size = 4; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.crc = 1; })}), differ);
  refuses(archive({changed(kHello, [](Member& m) { m.local.crc = 0; })}), differ);
  refuses(archive({kHello, changed(kDigits, [](Member& m) { m.central.offset = 1; })}), "there is no entry where m/digits should be");
  refuses(archive({changed(kHello, [](Member& m) { m.central.offset = 1000; })}), "hello lies outside the file");
  refuses(archive({changed(kHello, [](Member& m) { m.local.size = m.local.stored_size = m.central.size = m.central.stored_size = 1000; })}), "hello reaches beyond the end of the file");
  refuses(archive({changed(kHello, [](Member& m) { m.local.size = m.central.size = 4; })}), "hello is stored, but its two sizes differ");
}

// A writer that does not know sizes yet says so, and leaves them to the directory.
TEST(Zip, SizesMayFollowTheData) {
  const Member later = changed(kHello, [](Member& m) {
    m.local.flags = m.central.flags = 0x0008;
    m.local.crc = 0;
    m.local.size = m.local.stored_size = 0;
    m.descriptor = u32(0x08074b50) + u32(kHelloCrc) + u32(5) + u32(5);
  });
  EXPECT_EQ(contents(archive({later, kDigits})), "hello=hello m/digits=0123456789");
  refuses(archive({changed(later, [](Member& m) { m.local.size = 4; })}), "its directory and the header of hello differ");
}

TEST(Zip, ChecksumsHoldWhereThereAreAny) {
  EXPECT_EQ(contents(archive({stored("hello", "hello")})), "hello=hello");  // torch.serialization.set_crc32_options(False) writes none
  refuses(archive({stored("hello", "hullo", kHelloCrc)}), "the checksum of hello is wrong");
  refuses(archive({deflated("text", kPacked, kText.size(), kTextCrc + 1)}), "the checksum of text is wrong");
}

TEST(Zip, DeflatedDataHasTheSizeThatIsDeclared) {
  const std::string part = "text cannot be decompressed";
  refuses(archive({deflated("text", kPacked, kText.size() - 1, 0)}), part);
  refuses(archive({deflated("text", kPacked, kText.size() + 1, 0)}), part);
  refuses(archive({deflated("text", kPacked + "x", kText.size(), 0)}), part);
  refuses(archive({deflated("text", kPacked.substr(0, 5), kText.size(), 0)}), part);
  refuses(archive({deflated("text", "\xff\xff\xff", 3, 0)}), part);
  // Deflate makes at most 1032 bytes of one: nothing is allocated for what cannot be there.
  refuses(archive({deflated("text", kPacked, 0xFFFFFFF0, 0)}), "text cannot hold the 4294967280 bytes that it says");
}

TEST(Zip, EncryptionAndOtherMethodsAreUnsupported) {
  for (const uint16_t flag : {0x0001, 0x0040, 0x2000}) {
    refuses(archive({changed(kHello, [&](Member& m) { m.local.flags = m.central.flags = flag; })}), "hello in the archive", ErrorCode::unsupported);
  }
  for (const uint16_t method : {1, 9, 12, 93, 0xFFFF}) {
    refuses(archive({changed(kHello, [&](Member& m) { m.local.method = m.central.method = method; })}), fmt::format("compressed by method {}", method), ErrorCode::unsupported);
  }
}

TEST(Zip, EntriesDoNotOverlap) {
  // The data of `outer` is a whole entry, which the directory lists, too.
  const std::string inside = kDigits.local.local() + kDigits.data;
  Parts nested = parts({stored("outer", inside)});
  Header inner = kDigits.central;
  inner.offset = 30 + 5;
  nested.directory += inner.central();
  nested.end = {0, 0, 2, 2, nested.directory.size(), nested.data.size(), ""};
  refuses(nested.text(), "outer overlaps what follows it");
  // The data reaches into the directory.
  refuses(archive({changed(kHello, [](Member& m) { m.local.size = m.local.stored_size = m.central.size = m.central.stored_size = 6; })}), "hello overlaps what follows it");
}

TEST(Zip, FlippedBytes) {
  const std::string good = with_end64({kHello, deflated("text", kPacked, kText.size(), kTextCrc), kDigits}).text();
  uint64_t position = 0;
  const auto next = [&position](size_t below) { return static_cast<size_t>(random_bits(stream_seed("zip"), position++) % below); };
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = good;
    for (size_t n = 0; n <= next(3); ++n) damaged[next(damaged.size())] = static_cast<char>(next(256));
    try {
      contents(damaged);
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::invalid_model || error.code() == ErrorCode::unsupported) << error.what();
    }
  }
}

}  // namespace
}  // namespace ropeway::zip_test
