// .npz files: those that NumPy writes, and damaged ones.
#include "formats/npz.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include "base/text.h"
#include "formats/npy.h"
#include "support/cases.h"
#include "support/errors.h"
#include "zip_writer.h"

namespace ropeway {
namespace {

using namespace std::string_literals;
using test::read_text;
using zip_test::archive;
using zip_test::Member;

std::string npy(const Tensor& tensor) {
  const test::TestFolder folder;
  write_npy(folder / "x.npy", tensor);
  return read_text(folder / "x.npy");
}
std::string vector_npy(const std::vector<float>& elements) { return npy(Tensor::of<float>({std::ssize(elements)}, elements)); }
Member member(const std::string& name, const std::string& content) { return zip_test::stored(name, content, libdeflate_crc32(0, content.data(), content.size())); }

// What `action` makes of a file with these bytes.
template <class Action>
auto with(const std::string& bytes, Action action) {
  const test::TestFolder folder;
  write_file(folder / "x.npz", bytes);
  return action(Npz(folder / "x.npz"));
}
std::vector<float> elements(const std::string& bytes, const std::string& name) {
  return with(bytes, [&](const Npz& npz) {
    const Tensor tensor = npz.read(name);
    return std::vector<float>(tensor.data<float>().begin(), tensor.data<float>().end());
  });
}
void refuses(const std::string& bytes, const std::string& part, ErrorCode code = ErrorCode::invalid_argument) {
  const auto read_all = [&] {
    with(bytes, [](const Npz& npz) {
      for (const std::string& name : npz.names()) npz.read(name);
      return 0;
    });
  };
  test::expect_error(read_all, code, part);
  test::expect_error(read_all, code, "x.npz");
}

TEST(Npz, ReadsArraysByName) {
  const std::string bytes = archive({member("b.npy", vector_npy({1, 2})), member("a.npy", npy(Tensor::of<int64_t>({}, {7})))});
  with(bytes, [](const Npz& npz) {
    EXPECT_EQ(npz.names(), (std::vector<std::string>{"b", "a"}));
    EXPECT_EQ(to_string(npz.read("a").type()), "i64[]");
    EXPECT_EQ(npz.read("a").data<int64_t>()[0], 7);
    test::expect_error([&] { npz.read("c"); }, ErrorCode::not_found, "holds no 'c'");
    return 0;
  });
  EXPECT_EQ(elements(bytes, "b"), (std::vector<float>{1, 2}));
}

TEST(Npz, AnyTextIsAName) {
  for (const std::string name : {"/conv1/Conv_output_0", "layer1.0.conv1", "a\\b", "../x", "x.npy", "C:x", "größe"}) {
    EXPECT_EQ(elements(archive({member(name + ".npy", vector_npy({3}))}), name), (std::vector<float>{3})) << name;
  }
}

TEST(Npz, ArraysOutliveTheFileAndMayLieAnywhere) {
  // A header of an odd length, as other programs than NumPy may write.
  std::string odd = "\x93NUMPY\1\0"s + zip_test::u16(61) + "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }" + std::string(3, ' ') + "\n";
  ASSERT_EQ(odd.size(), 71u);
  const std::string data = npy(Tensor::of<float>({2}, {5, 6}));
  odd += data.substr(data.size() - 8);
  EXPECT_EQ(elements(archive({member("x.npy", odd)}), "x"), (std::vector<float>{5, 6}));
  const Tensor kept = with(archive({member("x.npy", vector_npy({1, 2, 3}))}), [](const Npz& npz) { return npz.read("x"); });
  EXPECT_EQ(kept.data<float>()[2], 3);
}

TEST(Npz, RefusesWhatIsNone) {
  refuses("no archive at all, though it is long enough", "it is no archive. Write it with numpy.savez");
  refuses("", "it is no archive");
  refuses(npy(Tensor({DType::f32, {100}})), "it is no archive");
  refuses(archive({member("x.txt", "text")}), "x.txt in it is no .npy file");
  refuses(archive({member("x.npy", "text")}), "x.npy in");
  refuses(archive({member("x.npy", "")}), "it is shorter than a header");
  refuses(archive({member("a\0.npy"s, vector_npy({1}))}), "contains a NUL character", ErrorCode::invalid_model);
}

TEST(Npz, RefusesDamage) {
  const std::string content = vector_npy({1, 2, 3, 4});
  const std::string good = archive({member("x.npy", content), member("y.npy", content)});
  refuses(archive({member("x.npy", content), member("x.npy", content)}), "x.npy is in it twice", ErrorCode::invalid_model);
  refuses(zip_test::archive({zip_test::stored("x.npy", content, 1)}), "the checksum of x.npy is wrong", ErrorCode::invalid_model);
  refuses(zip_test::archive({zip_test::deflated("x.npy", content, content.size(), 0)}), "cannot be decompressed", ErrorCode::invalid_model);
  refuses(zip_test::archive({zip_test::deflated("x.npy", content, uint64_t{1} << 50, 0)}), "x.npy", ErrorCode::invalid_model);
  refuses(archive({member("x.npy", content.substr(0, content.size() - 1))}), "f32[4] needs 4 elements, but the file holds 15 bytes of data");
  refuses(archive({member("x.npy", content + "more")}), "the file holds 20 bytes of data");
  std::string lying = content;  // a shape of more elements than memory has
  lying.replace(lying.find("(4,), }"), 19, "(99999999999999,), }");
  refuses(archive({member("x.npy", lying)}), "needs 99999999999999 elements");
  std::string endless = content;
  endless[8] = endless[9] = '\xff';
  refuses(archive({member("x.npy", endless)}), "it ends inside its header");
  for (size_t size = 0; size < good.size(); size += 7) {
    EXPECT_THROW(with(good.substr(0, size), [](const Npz& npz) { return npz.read("x").count() + npz.read("y").count(); }), Error) << size;
  }
}

}  // namespace
}  // namespace ropeway
