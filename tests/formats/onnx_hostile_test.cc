// Damaged and malicious ONNX files end in an Error of the right code, never in a crash, and never read a file that is not the model's.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>

#include "base/random.h"
#include "base/text.h"
#include "onnx_writer.h"
#include "ops/operator.h"

namespace ropeway::onnx_test {
namespace {

namespace fs = std::filesystem;

std::string content(const std::string& golden) {
  std::ifstream file(fs::path(ROPEWAY_TEST_DATA) / "golden/onnx" / golden, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// y = x + w, with any initializer w.
std::string adds(const std::string& weight) { return model({{node("Add", {"x", "w"}, {"y"})}, {weight}, {value_info("x", {{"2"}})}, {"y"}}); }
const std::string kGood = adds(floats("w", {2}, {1, 2}));

bool is_recognised(const std::string& bytes) {
  const TestFolder folder;
  write_file(folder / "model", bytes);
  return recognises_onnx(File(folder / "model"));
}

TEST(OnnxRecognition, IsByContent) {
  EXPECT_TRUE(is_recognised(kGood));
  EXPECT_TRUE(is_recognised(kGood.substr(0, kGood.size() / 2)));  // cut short: the reader says so
  for (const std::string& foreign : {std::string(), std::string("PK\3\4"), std::string("\x93NUMPY"), std::string("\x80\2}q"), std::string("{\"a\": 1}"), std::string("\x08\x0a"), std::string(1000, '\xff'),
                                     std::string(1000, '\0'), std::string("import torch\nmodel = torch.nn.Linear(3, 4)\n")}) {
    EXPECT_FALSE(is_recognised(foreign)) << foreign;
  }
}

// Whatever the bytes, reading ends: with a valid graph, or with an Error that blames the file.
void expect_no_crash(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    EXPECT_NE(error.code(), ErrorCode::device) << error.what();
  }
}

TEST(OnnxHostile, TruncationAnywhere) {
  for (const char* name : {"lenet.d20.onnx", "mobilenet.legacy13.onnx"}) {
    const std::string bytes = content(name);
    for (size_t length = 0; length < bytes.size(); length += length < 300 ? 1 : 97) {
      const Error error = error_of([&] { read(bytes.substr(0, length)); });
      EXPECT_EQ(error.code(), ErrorCode::invalid_model) << length << ": " << error.what();
    }
  }
}

TEST(OnnxHostile, FlippedBytes) {
  const std::string bytes = content("mixed.plain.onnx"), small = content("mobilenet.legacy13.onnx");
  uint64_t seed = stream_seed("flipped bytes");
  const auto next = [&seed](size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((seed >> 33) % below);
  };
  for (int i = 0; i < 600; ++i) {
    std::string damaged = i % 2 == 0 ? bytes : small;
    for (size_t n = 0; n <= next(4); ++n) damaged[next(damaged.size())] = static_cast<char>(next(256));
    expect_no_crash(damaged);
  }
}

TEST(OnnxHostile, WrongWireTypes) {
  std::string bytes = kGood;
  bytes[0] = '\x0a';  // ir_version as a text
  expect_no_crash(bytes);
  std::string graph_as_number;
  pbf_writer(graph_as_number).add_int64(1, 10);
  pbf_writer(graph_as_number).add_int64(7, 3);
  expect_read_error(graph_as_number, ErrorCode::invalid_model, "wire type");
  std::string tensor_bytes;
  pbf_writer(tensor_bytes).add_string(1, "abc");
  pbf_writer(tensor_bytes).add_float(2, 1);
  expect_read_error(adds(tensor_bytes), ErrorCode::invalid_model, "wire type");
}

TEST(OnnxHostile, VersionsThatCannotBeRead) {
  const std::string body = graph({{node("Relu", {"x"}, {"y"})}, {}, {value_info("x", {{"2"}})}, {"y"}});
  for (const int64_t opset : {int64_t{10}, int64_t{24}, std::numeric_limits<int64_t>::max()}) {
    expect_read_error(model(body, {{"", opset}}), ErrorCode::unsupported, fmt::format("opset {} cannot be read; 11 to 23 can", opset));
  }
  EXPECT_EQ(read(model(body, {{"ai.onnx", 11}, {"custom", 99}})).nodes.size(), 1u);
  expect_read_error(model(body, {}), ErrorCode::invalid_model, "no opset is declared");
  expect_read_error(model(body, {{"", 20}, {"ai.onnx", 20}}), ErrorCode::invalid_model, "two opsets");
  expect_read_error(model(body, {{"", 20}}, 2), ErrorCode::unsupported, "IR version 2");
  expect_read_error("", ErrorCode::invalid_model, "has no graph");
  EXPECT_EQ(read(model(body, {{"", 20}}, 99)).nodes.size(), 1u);
}

TEST(OnnxHostile, AllUnknownOperatorsAreListedAtOnce) {
  const NodeExtras in_encoder{"lstm_1", "", {{"pkg.torch.onnx.name_scopes", "['', 'encoder', 'encoder.rnn', 'lstm_1']"}}};
  const std::string body = graph({{node("Relu", {"x"}, {"a"}), node("LSTM", {"a"}, {"b"}, {}, in_encoder), node("LSTM", {"b"}, {"c"}), node("Relu", {"c"}, {"d"}, {}, {"", "com.microsoft", {}}), node("Block", {"d"}, {"e"}, {}, {"", "pkg", {}}), node("Loop", {"e"}, {"y"})},
                                  {},
                                  {value_info("x", {{"2"}})},
                                  {"y"}});
  std::string function;
  pbf_writer(function).add_string(1, "Block");
  pbf_writer(function).add_string(10, "pkg");
  const Error error = error_of([&] { read(model(body, {{"", 20}}, 10, function)); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  for (const char* part : {"4 operators that nothing here can run", "LSTM: 2 nodes, first encoder.rnn (lstm_1)", "com.microsoft::Relu: 1 node, first Relu_3", "pkg::Block (a function of the model:", "Loop: 1 node, first Loop_5"}) {
    EXPECT_NE(error.message().find(part), std::string::npos) << part << " is not in " << error.message();
  }
}

TEST(OnnxHostile, GraphsThatAreNone) {
  const auto nodes = [](const std::vector<std::string>& list, const Names& outputs = {"y"}) { return model({list, {}, {value_info("x", {{"2"}})}, outputs}); };
  expect_read_error(nodes({node("Relu", {"z"}, {"y"})}), ErrorCode::invalid_model, "the value 'z' is read, but nothing before defines it");
  expect_read_error(nodes({node("Relu", {"b"}, {"a"}), node("Relu", {"a"}, {"b"})}, {"b"}), ErrorCode::invalid_model, "in a cycle");
  expect_read_error(nodes({node("Relu", {"y"}, {"y"})}), ErrorCode::invalid_model, "in a cycle");
  expect_read_error(nodes({node("Relu", {"x"}, {"x"})}), ErrorCode::invalid_model, "the value 'x' is defined twice");
  expect_read_error(nodes({node("Relu", {"x"}, {"y"}), node("Abs", {"x"}, {"y"})}), ErrorCode::invalid_model, "while importing Abs node Abs_1 of model.onnx");
  expect_read_error(nodes({node("Relu", {"x"}, {"a"})}), ErrorCode::invalid_model, "the value 'y' is read");
  expect_read_error(nodes({node("Relu", {"x"}, {"y"})}, {}), ErrorCode::invalid_model, "has no outputs");
  expect_read_error(nodes({node("Relu", {}, {"y"})}), ErrorCode::invalid_model, "Relu lacks its input 0");
  expect_read_error(nodes({node("Add", {"x", ""}, {"y"})}), ErrorCode::invalid_model, "Add lacks its input 1");
  expect_read_error(model({{node("Relu", {"x"}, {"y"})}, {}, {value_info("x", {{"-2"}})}, {"y"}}), ErrorCode::invalid_model, "negative dimension");
  expect_read_error(model({{node("Relu", {"x"}, {"y"})}, {}, {value_info("x", {{"2"}}, 8)}, {"y"}}), ErrorCode::unsupported, "STRING");
  expect_read_error(model({{node("Relu", {"x"}, {"y"})}, {}, {value_info("x", {{"4611686018427387904", "4"}})}, {"y"}}), ErrorCode::invalid_argument, "input x");
  expect_read_error(model({{node("Relu", {"x"}, {"y"})}, {floats("w", {1}, {1}), floats("w", {1}, {1})}, {value_info("x", {{"2"}})}, {"y"}}), ErrorCode::invalid_model, "'w' is defined twice");
}

TEST(OnnxHostile, TensorsWhoseDataDoesNotFit) {
  expect_read_error(adds(tensor("w", {2}, 1, "1234567")), ErrorCode::invalid_model, "7 bytes are given where f32[2] needs 8");
  expect_read_error(adds(tensor("w", {-2}, 1, "")), ErrorCode::invalid_model, "negative dimension");
  expect_read_error(adds(tensor("w", {int64_t{1} << 40, int64_t{1} << 40}, 1, "")), ErrorCode::invalid_model, "while reading the weight w of model.onnx");
  expect_read_error(adds(tensor("w", {int64_t{1} << 50}, 1, "abcd")), ErrorCode::invalid_model, "4 bytes are given");
  expect_read_error(adds(tensor("w", Ints(33, 1), 1, "abcd")), ErrorCode::invalid_model, "33 dimensions");
  expect_read_error(adds(tensor("w", {2}, 0, "12345678")), ErrorCode::invalid_model, "no element type");
  expect_read_error(adds(tensor("w", {2}, 14, "12345678")), ErrorCode::unsupported, "COMPLEX64");
  expect_read_error(adds(tensor("w", {2}, 99, "12345678")), ErrorCode::unsupported, "number 99");
  const auto typed = [](int32_t data_type, const std::function<void(pbf_writer&)>& data) {
    std::string bytes;
    pbf_writer message(bytes);
    message.add_int64(1, 2);
    message.add_int32(2, data_type);
    message.add_string(8, "w");
    data(message);
    return adds(bytes);
  };
  const std::vector<float> two = {1, 2}, three = {1, 2, 3};
  EXPECT_EQ(evaluate(read(typed(1, [&](pbf_writer& m) { m.add_packed_float(4, two.begin(), two.end()); })), {Tensor::of<float>({2}, {10, 20})})[0].data<float>()[1], 22);
  expect_read_error(typed(1, [&](pbf_writer& m) { m.add_packed_float(4, three.begin(), three.end()); }), ErrorCode::invalid_model, "3 elements are given where f32[2] needs 2");
  expect_read_error(typed(1, [&](pbf_writer& m) { m.add_string(4, "12345"); }), ErrorCode::invalid_model, "no well-formed ONNX message");
  expect_read_error(typed(1, [&](pbf_writer& m) { m.add_packed_float(4, two.begin(), two.end()), m.add_bytes(9, "12345678"); }), ErrorCode::invalid_model, "more than once");
  expect_read_error(typed(3, [&](pbf_writer& m) { m.add_int32(5, 1), m.add_int32(5, 300); }), ErrorCode::invalid_model, "element 1 is 300, which i8 cannot hold");
  expect_read_error(typed(8, [&](pbf_writer& m) { m.add_string(6, "a"), m.add_string(6, "b"); }), ErrorCode::unsupported, "strings");
}

TEST(OnnxHostile, BooleansAreNormalised) {
  const Graph graph = read(model({{node("Not", {"w"}, {"y"})}, {tensor("w", {3}, 9, std::string("\0\1\x7f", 3))}, {}, {"y"}}));
  const Tensor result = evaluate(graph, {})[0];
  EXPECT_EQ(static_cast<int>(result.raw()[0]), 1);
  EXPECT_EQ(static_cast<int>(result.raw()[2]), 0);
}

TEST(OnnxHostile, NestingAndSize) {
  std::string inner = graph({{node("Relu", {"x"}, {"y"})}, {}, {}, {"y"}});
  for (int depth = 0; depth < 100; ++depth) inner = graph({{node("If", {"x"}, {"y"}, {graph_of("then_branch", inner)})}, {}, {value_info("x", {{"2"}})}, {"y"}});
  expect_read_error(model(inner), ErrorCode::invalid_model, "nested more than 64 deep");
  // A chain of nodes as long as this must not exhaust the stack, whether it is constant or not.
  std::vector<std::string> chain = {node("Neg", {"x"}, {"v0"})};
  for (int i = 1; i < 3000; ++i) chain.push_back(node("Neg", {fmt::format("v{}", i - 1)}, {fmt::format("v{}", i)}));
  chain.push_back(node("Reshape", {"x", "v2999"}, {"y"}));
  expect_read_error(model({chain, {}, {value_info("x", {{"3"}}, 7)}, {"y"}}), ErrorCode::unsupported, "depends on data");
  const Graph folded = read(model({chain, {ints("x", {1})}, {}, {"y"}}));
  EXPECT_EQ(folded.type(folded.outputs[0]).shape, Shape{1});
}

TEST(OnnxHostile, ConstantsOfEnormousSize) {
  const auto expands = [](const Ints& shape) { return model({{node("Expand", {"w", "s"}, {"big"}), node("ReduceSum", {"big"}, {"y"})}, {floats("w", {1}, {1}), ints("s", shape)}, {}, {"y"}}); };
  expect_read_error(expands({int64_t{1} << 40}), ErrorCode::unsupported, "constants that the model computes from others take more than");
  expect_read_error(expands({int64_t{1} << 40, int64_t{1} << 40}), ErrorCode::invalid_model, "while importing Expand node Expand_0");
  expect_read_error(model({{node("ConstantOfShape", {"s"}, {"y"})}, {ints("s", {int64_t{1} << 50})}, {}, {"y"}}), ErrorCode::unsupported, "a generated constant");
  expect_read_error(model({{node("ConstantOfShape", {"s"}, {"y"})}, {ints("s", {-1})}, {}, {"y"}}), ErrorCode::invalid_model, "ConstantOfShape");
  expect_read_error(model({{node("Reshape", {"w", "s"}, {"y"})}, {floats("w", {1}, {1}), ints("s", Ints(40, 1))}, {}, {"y"}}), ErrorCode::unsupported, "40 dimensions");
  expect_read_error(model({{node("Gather", {"s", "i"}, {"y"})}, {ints("s", {1, 2}), int_scalar("i", 7)}, {}, {"y"}}), ErrorCode::invalid_model, "Gather");
  EXPECT_EQ(read(model({{node("Div", {"s", "i"}, {"y"})}, {ints("s", {1, 2}), int_scalar("i", 0)}, {}, {"y"}})).outputs.size(), 1u);  // no SIGFPE
}

// External data.
class OnnxExternal : public ::testing::Test {
 protected:
  using Entries = std::vector<std::pair<std::string, std::string>>;
  OnnxExternal() {
    fs::create_directory(folder / "models");
    write_file(folder / "secret", std::string(64, 's'));
    write_file(folder / "models/weights", std::string("\0\0\x80\x3f\0\0\0\x40", 8) + std::string("\0\0\x40\x40\0\0\x80\x40", 8));  // 1, 2, 3, 4
  }
  Graph read_external(const Entries& entries) {
    write_file(folder / "models/model.onnx", adds(external("w", {2}, entries)));
    return read_onnx(File(folder / "models/model.onnx"), {});
  }
  void refuses(const Entries& entries, const std::string& part, ErrorCode code = ErrorCode::invalid_model) {
    expect_error([&] { read_external(entries); }, code, part);
  }
  static float second_sum(const Graph& graph) { return evaluate(graph, {Tensor::of<float>({2}, {10, 20})})[0].data<float>()[1]; }

  TestFolder folder;
};

TEST_F(OnnxExternal, IsReadAtItsOffset) {
  EXPECT_EQ(second_sum(read_external({{"location", "weights"}})), 22);
  EXPECT_EQ(second_sum(read_external({{"location", "./weights"}, {"offset", "8"}, {"length", "8"}, {"checksum", "0"}})), 24);
}

TEST_F(OnnxExternal, BoundsAreExact) {
  refuses({{"location", "weights"}, {"offset", "9"}}, "while reading the weight w");
  refuses({{"location", "weights"}, {"offset", "18446744073709551615"}}, "has 16 bytes, but 8 bytes at 18446744073709551615 are wanted");
  refuses({{"location", "weights"}, {"offset", "18446744073709551616"}}, "not a number");
  refuses({{"location", "weights"}, {"length", "16"}}, "16 bytes are given where f32[2] needs 8");
  for (const char* wrong : {"-1", "0x8", " 8", "8 ", "", "8.0"}) refuses({{"location", "weights"}, {"offset", wrong}}, "not a number");
}

TEST_F(OnnxExternal, KeysAreKnownAndGivenOnce) {
  refuses({{"location", "weights"}, {"path", "x"}}, "unknown key 'path'");
  refuses({{"location", "weights"}, {"location", "../secret"}}, "gives 'location' twice");
  refuses({}, "no path relative to the model");
}

TEST_F(OnnxExternal, PathsStayInTheModelsFolder) {
  const std::string absolute = (folder / "secret").string();
  for (const std::string& location : {std::string("../secret"), std::string("sub/../../secret"), absolute, std::string("..\\secret"), std::string()}) refuses({{"location", location}}, "its external data lies in");
  refuses({{"location", std::string("weights\0../secret", 17)}}, "its external data lies in 'weights'");
  refuses({{"location", "missing"}}, "keep both files in one folder", ErrorCode::not_found);
  refuses({{"location", "."}}, "not a regular file");
}

TEST_F(OnnxExternal, LinksOutOfTheFolderAreRefused) {
  fs::create_symlink(folder / "secret", folder / "models/link");
  refuses({{"location", "link"}}, "is a link out of the model's folder");
  fs::create_symlink(folder / ".", folder / "models/up");
  refuses({{"location", "up/secret"}}, "is a link out of the model's folder");
  fs::create_hard_link(folder / "secret", folder / "models/hard");
  refuses({{"location", "hard"}}, "further hard links");
  fs::create_symlink("weights", folder / "models/inside");
  EXPECT_EQ(second_sum(read_external({{"location", "inside"}})), 22);
}

// As in a cache of downloaded models: both files are links to where the content lies.
TEST_F(OnnxExternal, AModelThatIsALinkMayReadBesideTheRealFile) {
  fs::create_directory(folder / "snapshot");
  write_file(folder / "models/blob", adds(external("w", {2}, {{"location", "model.data"}, {"offset", "8"}})));
  fs::create_symlink("../models/blob", folder / "snapshot/model.onnx");
  fs::create_symlink("../models/weights", folder / "snapshot/model.data");
  EXPECT_EQ(second_sum(read_onnx(File(folder / "snapshot/model.onnx"), {})), 24);
}

TEST_F(OnnxExternal, AFolderOrPipeIsNoFile) {
  ASSERT_EQ(mkfifo((folder / "models/pipe").c_str(), 0600), 0);
  refuses({{"location", "pipe"}}, "not a regular file");
}

}  // namespace
}  // namespace ropeway::onnx_test
