// .npy files: those that NumPy writes, and damaged ones.
#include "formats/npy.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "support/cases.h"
#include "support/errors.h"

namespace ropeway {
namespace {

using test::read_text;

std::string header(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Padded as NumPy does, so that data begins at a multiple of 64.
std::string npy(std::string dictionary, const std::string& data, int version = 1) {
  const size_t length_bytes = version == 1 ? 2 : 4;
  dictionary.append(63 - (8 + length_bytes + dictionary.size()) % 64, ' ');
  dictionary += '\n';
  std::string length(length_bytes, '\0');
  length[0] = static_cast<char>(dictionary.size() & 0xff);
  length[1] = static_cast<char>(dictionary.size() >> 8);
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + length + dictionary + data;
}

Tensor read(const std::string& content) {
  const test::TestFolder folder;
  write_file(folder / "x.npy", content);
  return read_npy(folder / "x.npy");
}

void refuses(const std::string& content, const std::string& part) {
  test::expect_error([&] { read(content); }, ErrorCode::invalid_argument, part);
  test::expect_error([&] { read(content); }, ErrorCode::invalid_argument, "x.npy is not a .npy file that can be read");
}

template <class T>
std::vector<T> elements(const Tensor& tensor) {
  return {tensor.data<T>().begin(), tensor.data<T>().end()};
}

TEST(Npy, ReadsEveryDtype) {
  const auto type = [](const std::string& descr, size_t item) { return to_string(read(npy(header("'" + descr + "'", "(3,)"), std::string(3 * item, '\1'))).type()); };
  EXPECT_EQ(type("<f4", 4), "f32[3]");
  EXPECT_EQ(type("<f8", 8), "f64[3]");
  EXPECT_EQ(type("<f2", 2), "f16[3]");
  EXPECT_EQ(type("|i1", 1), "i8[3]");
  EXPECT_EQ(type("<i2", 2), "i16[3]");
  EXPECT_EQ(type("<i4", 4), "i32[3]");
  EXPECT_EQ(type("<i8", 8), "i64[3]");
  EXPECT_EQ(type("|u1", 1), "u8[3]");
  EXPECT_EQ(type("<u2", 2), "u16[3]");
  EXPECT_EQ(type("<u4", 4), "u32[3]");
  EXPECT_EQ(type("<u8", 8), "u64[3]");
  EXPECT_EQ(type("|b1", 1), "bool[3]");
}

TEST(Npy, ReadsEveryVersion) {
  for (const int version : {1, 2, 3}) EXPECT_EQ(elements<float>(read(npy(header("'<f4'", "(2, 1)"), bytes_of<float>({1.5f, -2}), version))), (std::vector<float>{1.5f, -2}));
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_EQ(to_string(read(npy(header("'<i8'", "()"), bytes_of<int64_t>({7}))).type()), "i64[]");
  EXPECT_EQ(to_string(read(npy(header("'<f4'", "(0, 3)"), "")).type()), "f32[0,3]");
  EXPECT_EQ(to_string(read(npy(header("'<f4'", "(0, 3)", "True"), "")).type()), "f32[0,3]");
}

// numpy.array([[1, 2, 3], [4, 5, 6]], order="F") lies in memory as 1 4 2 5 3 6.
TEST(Npy, ReadsFortranOrder) {
  EXPECT_EQ(elements<int32_t>(read(npy(header("'<i4'", "(2, 3)", "True"), bytes_of<int32_t>({1, 4, 2, 5, 3, 6})))), (std::vector<int32_t>{1, 2, 3, 4, 5, 6}));
  // Of shape (2, 1, 3, 2) with numpy.arange(12): 0 6 2 8 4 10, then the same + 1.
  EXPECT_EQ(elements<int16_t>(read(npy(header("'<i2'", "(2, 1, 3, 2)", "True"), bytes_of<int16_t>({0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11})))),
            (std::vector<int16_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

// numpy.uint8 arrays can be viewed as booleans; any other byte than 0 means true.
TEST(Npy, BooleansAreNormalised) {
  const Tensor tensor = read(npy(header("'|b1'", "(3,)"), std::string("\0\1\x7f", 3)));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(tensor.raw()), 3), std::string("\0\1\1", 3));
}

TEST(Npy, RefusesOtherDtypes) {
  refuses(npy(header("'>f4'", "(1,)"), "abcd"), "its dtype '>f4' is none of the little-endian numeric ones");
  refuses(npy(header("'<c8'", "(1,)"), "abcdefgh"), "its dtype '<c8'");
  refuses(npy(header("'<U1'", "(1,)"), "abcd"), "its dtype '<U1'");
  refuses(npy(header("'|O'", "(1,)"), "abcd"), "its dtype '|O'");
  refuses(npy(header("[('a', '<f4')]", "(1,)"), "abcd"), "structured arrays");
}

TEST(Npy, RefusesDamagedFiles) {
  const std::string good = npy(header("'<f4'", "(2,)"), bytes_of<float>({1, 2}));
  refuses("", "shorter than a header");
  refuses("PK\3\4 and so on and on", "NumPy's magic bytes");
  refuses(good.substr(0, 100), "it ends inside its header");
  refuses(good.substr(0, good.size() - 1), "f32[2] needs 2 elements, but the file holds 7 bytes of data");
  refuses(good + "x", "the file holds 9 bytes of data");
  std::string version = good;
  version[6] = '\4';
  refuses(version, "version 4 of the format is unknown");
  for (size_t length = 0; length < good.size(); ++length) test::expect_error([&] { read(good.substr(0, length)); }, ErrorCode::invalid_argument, "x.npy");
}

TEST(Npy, RefusesHeadersThatAreNone) {
  const std::string data = bytes_of<float>({1, 2});
  refuses(npy("{}", data), "its header has no 'descr'");
  refuses(npy("{'descr': '<f4', 'fortran_order': False}", data), "its header has no 'shape'");
  refuses(npy("{'descr': '<f4', 'shape': (2,)}", data), "its header has no 'fortran_order'");
  refuses(npy("{'descr':", data), "structured arrays");
  refuses(npy(header("'<f4'", "2"), data), "its shape is no tuple");
  refuses(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2", data), "its shape is no tuple");
  refuses(npy(header("'<f4'", "(-2,)"), data), "its shape has the size '-2'");
  refuses(npy(header("'<f4'", "(2x,)"), data), "its shape has the size '2x'");
  refuses(npy(header("'<f4'", "(18446744073709551617,)"), data), "its shape has the size");
  refuses(npy(header("'<f4'", "(4611686018427387904, 8)"), data), "x.npy");  // the number of elements is beyond 64 bits
  refuses(npy(header("'<f4'", "(2,)", "maybe"), data), "'fortran_order'");
}

TEST(Npy, MissingFilesAndFolders) {
  const test::TestFolder folder;
  test::expect_error([&] { read_npy(folder / "x.npy"); }, ErrorCode::not_found, "x.npy");
  test::expect_error([&] { read_npy(folder.path()); }, ErrorCode::io, "is a folder");
}

// To the byte as numpy.save writes it.
TEST(Npy, WritesAsNumPyDoes) {
  const test::TestFolder folder;
  const auto written = [&](const Tensor& tensor) {
    write_npy(folder / "y.npy", tensor);
    return read_text(folder / "y.npy");
  };
  EXPECT_EQ(written(Tensor::of<int8_t>({2}, {1, -2})), std::string("\x93NUMPY\1\0v\0{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", 67) + std::string(60, ' ') + "\n\x01\xfe");
  EXPECT_EQ(written(Tensor::of<int64_t>({}, {7})), npy(header("'<i8'", "()"), bytes_of<int64_t>({7})));
  EXPECT_EQ(written(Tensor::of<float>({1, 2}, {1, 2})), npy(header("'<f4'", "(1, 2)"), bytes_of<float>({1, 2})));
  EXPECT_EQ(written(Tensor({DType::f32, {0, 3}})), npy(header("'<f4'", "(0, 3)"), ""));
}

TEST(Npy, WritesWhatItReads) {
  const test::TestFolder folder;
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::i8, DType::i16, DType::i32, DType::i64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean}) {
    Tensor tensor({dtype, {2, 1}});
    tensor.raw()[0] = std::byte{1};
    write_npy(folder / "y.npy", tensor);
    const Tensor again = read_npy(folder / "y.npy");
    EXPECT_EQ(again.type(), tensor.type());
    EXPECT_TRUE(std::equal(again.raw(), again.raw() + again.bytes(), tensor.raw())) << name(dtype);
  }
}

TEST(Npy, WritesBfloat16AsFloat) {
  const test::TestFolder folder;
  Tensor tensor({DType::bf16, {1}});
  tensor.raw()[0] = std::byte{0xc0};
  tensor.raw()[1] = std::byte{0x3f};  // 0x3fc0 is 1.5
  write_npy(folder / "y.npy", tensor);
  EXPECT_EQ(elements<float>(read_npy(folder / "y.npy")), (std::vector<float>{1.5f}));
}

}  // namespace
}  // namespace ropeway
