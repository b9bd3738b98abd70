#include "formats/file_source.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <algorithm>
#include <fstream>

#include "pt2_archive.h"
#include "support/errors.h"

namespace ropeway {
namespace {

namespace fs = std::filesystem;

class FileSources : public testing::Test {
 protected:
  // A file of `count` floats behind 12 other bytes.
  void write(size_t count) {
    content_.resize(count);
    for (size_t i = 0; i < count; ++i) content_[i] = static_cast<float>(i % 9973);
    bytes_ = {reinterpret_cast<const char*>(content_.data()), count * sizeof(float)};
    write_file(path_, "twelve bytes" + bytes_ + "and more");
  }
  uint32_t crc() const { return libdeflate_crc32(0, bytes_.data(), bytes_.size()); }
  Tensor tensor(uint32_t crc) const {
    return defer({DType::f32, {std::ssize(content_)}}, source_in({File(path_), 12, bytes_.size(), crc, "the tensor w"}));
  }

  const test::TestFolder folder_;
  const fs::path path_ = folder_ / "weights";
  std::vector<float> content_;
  std::string bytes_;
};

TEST_F(FileSources, GiveWhatIsInTheFileAndCheckIt) {
  for (const size_t count : {size_t{1}, size_t{70'000}, size_t{700'001}, size_t{4'200'003}}) {
    write(count);
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      const Tensor right = tensor(crc()), unchecked = tensor(0), wrong = tensor(crc() ^ 1);
      load(right, pool);
      EXPECT_TRUE(std::ranges::equal(right.data<float>(), content_));
      load(unchecked, pool);
      EXPECT_TRUE(std::ranges::equal(unchecked.data<float>(), content_));
      test::expect_error([&] { load(wrong, pool); }, ErrorCode::invalid_model, "while reading the tensor w");
    }
  }
}

TEST_F(FileSources, NoticeThatTheFileShrank) {
  write(500'000);
  const Tensor late = tensor(crc());
  fs::resize_file(path_, 1'000'000);
  test::expect_error([&] { late.raw(); }, ErrorCode::io, "weights changed while it was read");
}

TEST_F(FileSources, NoticeThatTheFileWasWrittenTo) {
  write(500'000);
  const Tensor late = tensor(0);
  std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary).seekp(1000).put('x');
  fs::last_write_time(path_, fs::last_write_time(path_) + std::chrono::seconds(1));
  test::expect_error([&] { late.raw(); }, ErrorCode::io, "weights changed while it was read");
}

TEST_F(FileSources, KeepTheFileThatWasOpened) {
  write(500'000);
  const Tensor late = tensor(crc());
  write_file(path_, std::string("a new file under the name of the old one"));
  EXPECT_TRUE(std::ranges::equal(late.data<float>(), content_));
}

// The first of a graph's constants that is large enough to be deferred.
const Value& large_constant(const Graph& graph) {
  for (const Value& value : graph.values) {
    if (value.constant && value.constant->bytes() >= kLeastDeferred) return value;
  }
  throw Error(ErrorCode::internal, "all constants are small");
}

TEST(DeferredWeights, AreWhatTheArchiveHolds) {
  const std::string name = "alexnet.core.pt2";
  const pt2_test::Entries entries = pt2_test::entries_of(name);
  const Graph graph = pt2_test::read_golden(name);
  const Value& value = large_constant(graph);
  ASSERT_NE(detail::Deferred::of(*value.constant), nullptr) << "it is not deferred";
  const Json config = Json::parse(entries.at("data/weights/model_weights_config.json"))["config"];
  const std::string& expected = entries.at("data/weights/" + config.at(value.name)["path_name"].get<std::string>());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(value.constant->raw()), value.constant->bytes()), expected);
}

TEST(DeferredWeights, NeedTheFileAsItWas) {
  const test::TestFolder folder;
  const auto path = folder / "model.pt2";
  write_file(path, pt2_test::packed(pt2_test::entries_of("alexnet.core.pt2")));
  const Graph graph = read_pt2(File(path), {});
  std::filesystem::resize_file(path, 1000);
  const Value& value = large_constant(graph);
  test::expect_error([&] { value.constant->raw(); }, ErrorCode::io, "model.pt2 changed while it was read");
  test::expect_error([&] { value.constant->raw(); }, ErrorCode::io, "while reading the tensor " + value.name);
}

}  // namespace
}  // namespace ropeway
