#include "formats/samples.h"

#include "formats/formats.h"
#include "formats/npy.h"
#include "formats/pt2/pickle.h"
#include "support/cases.h"
#include "support/errors.h"

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
  const Graph graph = golden("lenet.core.pt2");
  ASSERT_TRUE(samples_of(graph).has_value());
  const std::string bytes = test::read_text(graph.source);
  const size_t at = bytes.find("_rebuild_tensor_v2");
  ASSERT_NE(at, std::string::npos);
  const test::TestFolder folder;
  Graph damaged = graph;
  damaged.source = (folder / "m.pt2").string();
  for (size_t i = at - 60; i < at + 160; ++i) {
    for (const char bit : {'\x01', '\x80'}) {
      std::string other = bytes;
      other[i] = static_cast<char>(other[i] ^ bit);
      write_file(damaged.source, other);
      EXPECT_NO_THROW(samples_of(damaged));
    }
  }
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

}  // namespace
}  // namespace ropeway
