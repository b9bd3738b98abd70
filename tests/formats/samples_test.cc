#include "formats/samples.h"

#include <map>

#include "formats/formats.h"
#include "formats/npy.h"
#include "formats/pt2/pickle.h"
#include "formats/zip.h"
#include "support/cases.h"
#include "support/errors.h"
#include "zip_writer.h"

namespace ropeway {
namespace {

namespace fs = std::filesystem;
using pt2::Pickled, pt2::read_pickle;

Graph golden(const std::string& name) { return read_model((fs::path(ROPEWAY_TEST_DATA) / "golden/pt2" / name).string(), {}); }

std::optional<std::vector<Tensor>> samples_of(const Graph& graph) {
  std::vector<TensorType> types;
  for (const ValueId id : graph.inputs) types.push_back(graph.type(id));
  return stored_samples(graph.source, types);
}

using Entries = std::map<std::string, std::string>;

// What the archive of samples in a .pt2 holds, by name without the root folder.
Entries stored_entries(const std::string& source, const test::TestFolder& folder) {
  const auto content = [](const std::string& path) {
    const File file(path);
    const ZipArchive zip(file);
    Entries result;
    for (const ZipEntry& entry : zip.entries()) result[entry.name.substr(entry.name.find('/') + 1)] = std::string(zip.read(entry).text());
    return result;
  };
  write_file(folder / "samples.pt", content(source).at("data/sample_inputs/model.pt"));
  return content((folder / "samples.pt").string());
}

// A .pt2 with these samples, and another pickle of them.
std::string packed(Entries entries, const std::string& pickle) {
  entries["data.pkl"] = pickle;
  std::vector<zip_test::Member> members;
  for (const auto& [name, data] : entries) members.push_back(zip_test::stored("model/" + name, data));
  return zip_test::archive({zip_test::stored("m/data/sample_inputs/model.pt", zip_test::archive(std::move(members)))});
}

TEST(StoredSamples, AreTheInputsOfTheExport) {
  const Graph graph = golden("alexnet.core.pt2");
  const auto samples = samples_of(graph);
  ASSERT_TRUE(samples.has_value());
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ((*samples)[0].type(), graph.type(graph.inputs[0]));
  float largest = 0;
  for (const float each : (*samples)[0].data<float>()) largest = std::max(largest, std::abs(each));
  EXPECT_GT(largest, 0.5f);
}

TEST(StoredSamples, AreNoneWhereTheyDoNotFit) {
  Graph graph = golden("alexnet.core.pt2");
  graph.value(graph.inputs[0]).type.shape[0] = 2;
  EXPECT_FALSE(samples_of(graph).has_value());
  graph.source = "built-in";
  EXPECT_FALSE(samples_of(graph).has_value());
}

// Whatever byte is damaged, or missing: an answer, never a crash.
TEST(StoredSamples, SurviveDamage) {
  const test::TestFolder folder;
  Graph damaged = golden("lenet.core.pt2");
  const Entries entries = stored_entries(damaged.source, folder);
  const std::string pickle = entries.at("data.pkl");
  damaged.source = (folder / "m.pt2").string();
  const auto has_samples = [&](const std::string& other) {
    write_file(damaged.source, packed(entries, other));
    return samples_of(damaged).has_value();
  };
  ASSERT_TRUE(has_samples(pickle));  // so it is the pickle that is read
  int refused = 0;
  for (size_t i = 0; i < pickle.size(); ++i) {
    EXPECT_FALSE(has_samples(pickle.substr(0, i)));
    for (const char bit : {'\x01', '\x04', '\x80'}) {
      std::string other = pickle;
      other[i] = static_cast<char>(other[i] ^ bit);
      EXPECT_NO_THROW(refused += !has_samples(other));
    }
  }
  EXPECT_GT(refused, static_cast<int>(pickle.size()));
}

// Sizes whose strides no number holds.
TEST(StoredSamples, OfImpossibleShapesAreNone) {
  const test::TestFolder folder;
  Graph graph = golden("lenet.core.pt2");
  const Entries entries = stored_entries(graph.source, folder);
  graph.source = (folder / "m.pt2").string();
  std::string large;
  for (int i = 0; i < 3; ++i) large += std::string("\x8a\x08\0\0\0\0\0\0\0\x7f", 10);
  const std::string pickle = "ctorch._utils\n_rebuild_tensor_v2\n((" + std::string("X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" "0tQK\0(", 43) + large + "t(" + large + "ttR\x85.";
  ASSERT_EQ(read_pickle(pickle)->items[0]->kind, Pickled::Kind::call);
  write_file(graph.source, packed(entries, pickle));
  EXPECT_FALSE(samples_of(graph).has_value());
}

TEST(Pickle, ReadsPlainValues) {
  const auto value = read_pickle(std::string_view("\x80\x02K\x05M\x01\x02J\xff\xff\xff\xff\x87\x8a\x02\x00\x01\x86.", 19));
  ASSERT_EQ(value->items.size(), 2u);
  EXPECT_EQ(value->items[0]->items[0]->integer, 5);
  EXPECT_EQ(value->items[0]->items[1]->integer, 513);
  EXPECT_EQ(value->items[0]->items[2]->integer, -1);
  EXPECT_EQ(value->items[1]->integer, 256);
}

TEST(Pickle, CallsNothing) {
  const auto call = read_pickle(std::string_view("cos\nsystem\nX\x02\0\0\0hi\x85R.", 21));
  EXPECT_EQ(call->kind, Pickled::Kind::call);
  EXPECT_EQ(call->text, "os system");
}

TEST(Pickle, RefusesWhatIsDamaged) {
  for (const std::string bytes : {"", "K", ".", "(", "t.", "K\x01(.", "h\x01.", "R.", "K\x01K\x02R.", "X\xff\xff\xff\x7f.", "\x8a\x09.", "b.", "(K\x01" "e.", "cos\nsystem"}) {
    test::expect_error([&] { read_pickle(bytes); }, ErrorCode::invalid_model, "the pickle is damaged");
  }
}

// Neither the stack nor the time that a pickle takes grows without limit.
TEST(Pickle, RefusesWhatIsTooDeepOrTooLarge) {
  const auto times = [](int count, const std::string& text) {
    std::string result;
    for (int i = 0; i < count; ++i) result += text;
    return result;
  };
  EXPECT_EQ(read_pickle("N" + times(100, "\x85") + ".")->depth, 100);
  const std::string deep = "the pickle is damaged: it is too deep", large = "the pickle is damaged: it is too large";
  test::expect_error([&] { read_pickle("N" + times(101, "\x85") + "."); }, ErrorCode::invalid_model, deep);
  test::expect_error([&] { read_pickle("N" + times(1'000'000, "Q") + "."); }, ErrorCode::invalid_model, deep);
  test::expect_error([&] { read_pickle(times(100'000, "ca\nb\n") + ")R" + times(99'999, "\x85R") + "."); }, ErrorCode::invalid_model, deep);
  test::expect_error([&] { read_pickle("]" + times(50'000, "Na") + "."); }, ErrorCode::invalid_model, large);
  test::expect_error([&] { read_pickle(times(200'000, "NQ") + "."); }, ErrorCode::invalid_model, large);
}

}  // namespace
}  // namespace ropeway
